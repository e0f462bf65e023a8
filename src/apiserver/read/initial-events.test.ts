/** Watches that begin with the state (KEP-3157): what client-go's informers open. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import { startTestServer, type TestServer, timePasses, until } from '../test-server.ts'

let api: TestServer
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock()
  api = await startTestServer({ clock })
})
afterEach(() => api[Symbol.asyncDispose]())

const path = '/api/v1/namespaces/default/configmaps'
const create = (name: string, labels: object = {}) => api.request('POST', path, { metadata: { name, labels } })
const streaming = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
const end = (resourceVersion: number) => ({
  type: 'BOOKMARK',
  object: {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { resourceVersion: String(resourceVersion), annotations: { 'k8s.io/initial-events-end': 'true' } },
  },
})

describe('initial events', () => {
  test('are the state, then a marked bookmark of its version, then what happens', async () => {
    await create('a')
    await create('b')
    await api.request('DELETE', `${path}/a`)
    const revision = await api.store.currentRevision()
    const { events } = await api.watch(`${path}?${streaming}`)
    await until('the bookmark', () => events.length === 2)
    expect(events[0]).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } })
    expect(events[1]).toEqual(end(revision))
    await create('c')
    await until('the change', () => events.length === 3)
    expect(events[2]).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'c' } } })
  })

  test('of nothing are the bookmark alone; a selector chooses among them', async () => {
    await create('a', { x: 'n' })
    const { events } = await api.watch(`${path}?${streaming}&labelSelector=x%3Dy`)
    await until('the bookmark', () => events.length === 1)
    expect(events).toEqual([end(await api.store.currentRevision())])
  })

  test('come without their end for who wants no bookmarks', async () => {
    await create('a')
    const { events } = await api.watch(`${path}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`)
    await create('b')
    await until('two events', () => events.length === 2)
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'ADDED'])
  })

  test.each(['', '&resourceVersion=0'])('are what a watch from %j begins with, too', async (version) => {
    await create('a')
    const { events } = await api.watch(`${path}?watch=1&allowWatchBookmarks=true${version}`)
    await until('two events', () => events.length === 2)
    expect(events[1]).toEqual(end(await api.store.currentRevision()))
  })

  test('are not sent to who refuses them', async () => {
    await create('a')
    const query = 'watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const { events } = await api.watch(`${path}?${query}`)
    await create('b')
    await until('an event', () => events.length > 0)
    expect(events).toMatchObject([{ type: 'ADDED', object: { metadata: { name: 'b' } } }])
  })

  test('wait for the version asked for', async () => {
    const revision = await api.store.currentRevision()
    const watching = api.watch(`${path}?${streaming}&resourceVersion=${revision + 1}`)
    await create('a')
    const { events } = await watching
    await until('two events', () => events.length === 2)
    expect(events[1]).toEqual(end(revision + 1))
  })

  test('of a version that does not come end with an error in the stream', async () => {
    const revision = await api.store.currentRevision()
    const watching = api.watch(`${path}?${streaming}&resourceVersion=${revision + 100}`)
    const { status, events, ended } = await timePasses(clock, watching)
    await ended
    expect(status).toBe(200)
    expect(events).toEqual([
      {
        type: 'ERROR',
        object: {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          code: 504,
          reason: 'Timeout',
          message: `Timeout: Too large resource version: ${revision + 100}, current: ${revision}`,
          details: {
            causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
            retryAfterSeconds: 1,
          },
        },
      },
    ])
  })

  test('as Tables describe the columns once', async () => {
    await create('a')
    await create('b')
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const { events } = await api.watch(`${path}?${streaming}`, { accept })
    await create('c')
    await until('four events', () => events.length === 4)
    expect(events.map(({ object }) => (object as { columnDefinitions?: unknown }).columnDefinitions === null)).toEqual([
      false,
      true,
      true,
      true,
    ])
    expect(events[2]).toMatchObject({
      type: 'BOOKMARK',
      object: {
        kind: 'Table',
        rows: [{ object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }],
      },
    })
    expect(events[3]).toMatchObject({
      object: { rows: [{ cells: ['c', 0, '0s'], object: { kind: 'PartialObjectMetadata' } }] },
    })
  })

  test.each([
    ['None', null],
    ['Object', { kind: 'ConfigMap' }],
  ])('as Tables include %s', async (include, object) => {
    await create('a')
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const { events } = await api.watch(`${path}?watch=1&includeObject=${include}`, { accept })
    await until('an event', () => events.length === 1)
    const [first] = events as unknown as [{ object: { rows: [{ object: unknown }] } }]
    if (object) expect(first.object.rows[0].object).toMatchObject(object)
    else expect(first.object.rows[0].object).toBeNull()
  })

  test('as metadata only have nothing else', async () => {
    await api.request('POST', path, { metadata: { name: 'a' }, data: { a: 'b' } })
    const accept = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'
    const { events } = await api.watch(`${path}?${streaming}`, { accept })
    await until('two events', () => events.length === 2)
    expect(events[0]).toEqual({
      type: 'ADDED',
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: expect.anything() },
    })
    expect(events[1]).toMatchObject({ type: 'BOOKMARK', object: { kind: 'PartialObjectMetadata' } })
  })
})

describe('list options', () => {
  const invalid = (why: string) => `ListOptions.meta.k8s.io "" is invalid: ${why}`
  const match = 'resourceVersionMatch'
  test.each([
    [
      'watch=1&sendInitialEvents=true',
      invalid(`${match}: Forbidden: sendInitialEvents requires setting ${match} to NotOlderThan`),
    ],
    [
      'watch=1&resourceVersion=5&resourceVersionMatch=NotOlderThan',
      invalid(`${match}: Forbidden: ${match} is forbidden for watch unless sendInitialEvents is provided`),
    ],
    [
      'watch=1&sendInitialEvents=true&resourceVersionMatch=Exact',
      invalid(
        `[${match}: Forbidden: sendInitialEvents requires setting ${match} to NotOlderThan, ` +
          `${match}: Unsupported value: "Exact": supported values: "NotOlderThan"]`,
      ),
    ],
    [
      `watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x`,
      invalid(`${match}: Forbidden: ${match} is forbidden when continue is provided`),
    ],
    ['sendInitialEvents=true', invalid('sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list')],
    [
      'resourceVersionMatch=Exact',
      invalid(`${match}: Forbidden: ${match} is forbidden unless resourceVersion is provided`),
    ],
    [
      'resourceVersionMatch=Exact&resourceVersion=0',
      invalid(`${match}: Forbidden: ${match} "exact" is forbidden for resourceVersion "0"`),
    ],
    [
      'resourceVersionMatch=Exact&resourceVersion=5&continue=x',
      invalid(`${match}: Forbidden: ${match} is forbidden when continue is provided`),
    ],
    [
      'resourceVersionMatch=Foo&resourceVersion=5',
      invalid(`${match}: Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""`),
    ],
  ])('%s', async (query, message) => {
    const answer = await api.request('GET', `${path}?${query}`)
    expect(answer).toMatchObject({ status: 422, body: { reason: 'Invalid', message } })
  })

  test.each([
    [
      'resourceVersion=abc',
      'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    [
      'resourceVersion=99999999999999999999999',
      'invalid resource version: resourceVersion: Invalid value: "99999999999999999999999": strconv.ParseUint: parsing "99999999999999999999999": value out of range',
    ],
    ['continue=%21', 'invalid continue token: continue key is not valid: illegal base64 data at input byte 0'],
    [
      `continue=${token({ v: 'v0' })}`,
      'invalid continue token: continue key is not valid: server does not recognize this encoded version v0',
    ],
    [
      `continue=${token({ v: 'meta.k8s.io/v1', start: 'a' })}`,
      'invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    ],
    [
      `continue=${token({ v: 'meta.k8s.io/v1', rv: 1 })}`,
      'invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)',
    ],
    [
      `continue=${token({ v: 'meta.k8s.io/v1', rv: 1, start: '../secrets/' })}`,
      'invalid continue token: continue key is not valid: ../secrets/',
    ],
    [
      `continue=${token({ v: 'meta.k8s.io/v1', rv: 1, start: 'a' })}&resourceVersion=5`,
      'specifying resource version is not allowed when using continue',
    ],
  ])('%s', async (query, message) => {
    expect(await api.request('GET', `${path}?${query}`)).toMatchObject({
      status: 400,
      body: { reason: 'BadRequest', message },
    })
  })
})

function token(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
