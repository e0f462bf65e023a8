import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApplyTest, applyPatch, configMap, configMaps, mergePatch, startApplyTest } from './apply.fixture.ts'

let t: ApplyTest
beforeAll(async () => {
  t = await startApplyTest()
})
afterAll(() => t[Symbol.asyncDispose]())

describe('refusals', () => {
  const path = `${configMaps}/bad`
  const good = configMap('bad', { a: '1' })
  test.each([
    ['an unknown field', { ...good, foo: 1 }, '.foo: field not declared in schema'],
    [
      'a wrong type',
      { ...good, data: [] },
      'failed to create typed patch object (/bad; /v1, Kind=ConfigMap): .data: expected map, got &{[]}',
    ],
    ['another version', { ...good, apiVersion: 'v2' }, 'invalid object type: /v2, Kind=ConfigMap'],
    ['another kind', { ...good, kind: 'Secret' }, 'invalid object type: /v1, Kind=Secret'],
    ['managedFields', configMap('bad', {}, { managedFields: [] }), 'metadata.managedFields must be nil'],
    ['another name', configMap('other', {}), 'the name of the object (other) does not match the name on the URL (bad)'],
    ['a list', [], 'error decoding YAML'],
    ['no YAML', Buffer.from('{'), 'error decoding YAML'],
    ['YAML that is none', Buffer.from('a: [b'), 'error decoding YAML'],
  ])('%s', async (_what, body, message) => {
    const answer = await t.apply(path, body)
    expect(answer.status).toBe(400)
    expect(answer.body.message).toContain(message)
  })

  test('no manager, and force where nothing is applied', async () => {
    expect(await t.api.request('PATCH', path, good, applyPatch)).toMatchObject({
      status: 422,
      body: {
        message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      },
    })
    expect(await t.api.request('PATCH', `${path}?force=true`, good, mergePatch)).toMatchObject({
      status: 422,
      body: {
        message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
      },
    })
  })

  test('a version that is not the current one, and another object of the name', async () => {
    const { body } = await t.applyData('precise', { a: '1' })
    const { resourceVersion, uid } = body.metadata ?? {}
    const precise = (metadata: object) =>
      t.apply(`${configMaps}/precise`, configMap('precise', { a: '2' }, metadata), { query: '&dryRun=All' })
    expect((await precise({ resourceVersion, uid })).status).toBe(200)
    expect(await precise({ resourceVersion: '1' })).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('the object has been modified') },
    })
    expect(await precise({ uid: 'x' })).toMatchObject({
      status: 422,
      body: { message: expect.stringContaining('metadata.uid: Invalid value: "x": field is immutable') },
    })
  })

  test('what is invalid', async () => {
    const bad = configMap('bad', {}, { labels: { '!': 'x' } })
    expect((await t.apply(path, bad)).status).toBe(422)
  })
})
