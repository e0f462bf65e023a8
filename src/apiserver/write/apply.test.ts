import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ApplyTest,
  configMap,
  configMaps,
  deployments,
  mergePatch,
  services,
  startApplyTest,
} from './apply.fixture.ts'

let t: ApplyTest
beforeAll(async () => {
  t = await startApplyTest()
})
afterAll(() => t[Symbol.asyncDispose]())

const kinds: Readonly<Record<string, readonly [string, string]>> = {
  configmaps: ['ConfigMap', 'v1'],
  endpointslices: ['EndpointSlice', 'discovery.k8s.io/v1'],
  pods: ['Pod', 'v1'],
  secrets: ['Secret', 'v1'],
}

describe('apply', () => {
  test('creates, and says what its manager owns', async () => {
    const created = await t.applyData('new', { a: '1' })
    expect(created).toMatchObject({ status: 201, body: { data: { a: '1' }, metadata: { uid: expect.any(String) } } })
    expect(created.body.metadata?.['managedFields']).toEqual([
      {
        manager: 'a',
        operation: 'Apply',
        apiVersion: 'v1',
        time: '2026-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:a': {} } },
      },
    ])
    expect((await t.applyData('new', { a: '2' })).status).toBe(200)
  })

  test('that changes nothing writes nothing', async () => {
    const { body } = await t.applyData('same', { a: '1' })
    t.clock.advance(60_000)
    const again = await t.applyData('same', { a: '1' })
    expect(again.body.metadata).toEqual(body.metadata)
  })

  test.each([
    ['an atomic list with defaults', 'endpointslices', { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [] }],
    [
      'quantities',
      'pods',
      { spec: { containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '0.50' } } }] } },
    ],
    [
      'tolerations',
      'pods',
      { spec: { containers: [{ name: 'c', image: 'i' }], tolerations: [{ key: 'a', operator: 'Exists' }] } },
    ],
    ['text that is stored as bytes', 'secrets', { stringData: { a: 'b' } }],
    ['null', 'configmaps', { data: { a: null } }],
  ])('that changes nothing but %s is no write either', async (what, plural, content) => {
    const [kind, apiVersion] = kinds[plural]!
    const name = what.replaceAll(' ', '-')
    const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`
    const path = `${root}/namespaces/default/${plural}/${name}`
    const config = { apiVersion, kind, metadata: { name }, ...content }
    const { body } = await t.apply(path, config)
    t.clock.advance(60_000)
    const again = await t.apply(path, config)
    expect(again.status, again.body.message).toBe(200)
    expect(again.body.metadata?.['resourceVersion']).toBe(body.metadata?.['resourceVersion'])
  })

  test('takes out what its manager no longer names, unless others own it', async () => {
    await t.applyData('prune', { a: '1', b: '1', c: '1' })
    await t.applyData('prune', { b: '1' }, { as: 'other' })
    await t.api.request('PATCH', `${configMaps}/prune`, { data: { d: '1' } }, mergePatch)
    const { body } = await t.applyData('prune', { a: '1' })
    expect(body['data']).toEqual({ a: '1', b: '1', d: '1' })
    expect(await t.owners(`${configMaps}/prune`)).toEqual({
      'Apply a': { 'f:data': { 'f:a': {} } },
      'Apply other': { 'f:data': { 'f:b': {} } },
      'Update unknown': { 'f:data': { 'f:d': {} } },
    })
    const { body: rest } = await t.applyData('prune', {})
    expect(rest['data']).toEqual({ b: '1', d: '1' })
  })

  test('of another value of what others own is a conflict, which force resolves', async () => {
    await t.applyData('fight', { a: '1', b: '1' })
    await t.api.request('PATCH', `${configMaps}/fight?fieldManager=editor`, { data: { b: '2' } }, mergePatch)
    expect(await t.applyData('fight', { a: '2' }, { as: 'b' })).toMatchObject({
      status: 409,
      body: {
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "a": .data.a',
        details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.data.a' }] },
      },
    })
    const both = await t.applyData('fight', { a: '2', b: '3' }, { as: 'b' })
    expect(both.body.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "a":\n- .data.a\nconflicts with "editor" using v1:\n- .data.b',
    )
    const forced = await t.applyData('fight', { a: '2', b: '3' }, { as: 'b', query: '&force=true' })
    expect(forced).toMatchObject({ status: 200, body: { data: { a: '2', b: '3' } } })
    expect(await t.owners(`${configMaps}/fight`)).toEqual({ 'Apply b': { 'f:data': { 'f:a': {}, 'f:b': {} } } })
  })

  test('of the same value shares it', async () => {
    await t.applyData('share', { a: '1' })
    expect((await t.applyData('share', { a: '1' }, { as: 'b' })).status).toBe(200)
    await t.applyData('share', {})
    expect((await t.api.request('GET', `${configMaps}/share`)).body['data']).toEqual({ a: '1' })
  })

  test('of an object that was made otherwise meets its maker under one name', async () => {
    await t.api.request('POST', configMaps, { metadata: { name: 'before' }, data: { a: '1', b: '1' } })
    expect((await t.applyData('before', { a: '2' })).body.message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
    )
    expect((await t.applyData('before', { a: '1' })).status).toBe(200)
    expect(Object.keys(await t.owners(`${configMaps}/before`)).sort()).toEqual(['Apply a', 'Update before-first-apply'])
  })

  test('lets kubectl take over what it applied on the client', async () => {
    const config = JSON.stringify(configMap('csa', { a: '1', b: '1' }))
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': config }
    await t.api.request('POST', configMaps, { metadata: { name: 'csa', annotations }, data: { a: '1', b: 'edited' } })
    const refused = await t.applyData('csa', { a: '2', b: '2' }, { as: 'kubectl' })
    expect(refused.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.b',
    )
    const { status, body } = await t.applyData('csa', { a: '2', b: 'edited' }, { as: 'kubectl' })
    expect(status).toBe(200)
    const now = body.metadata?.['annotations'] as Record<string, string> | undefined
    expect(JSON.parse(Object.values(now ?? {})[0] ?? '')).toEqual(configMap('csa', { a: '2', b: 'edited' }))
  })

  test('with dryRun shows and stores nothing', async () => {
    expect(await t.applyData('dry', { a: '1' }, { query: '&dryRun=All' })).toMatchObject({ status: 201 })
    expect((await t.api.request('GET', `${configMaps}/dry`)).status).toBe(404)
  })

  test.each([
    ['blocks', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n'],
    ['flow', '{apiVersion: v1, kind: ConfigMap, metadata: {name: yaml}, data: {a: "1"}}'],
  ])('takes YAML in %s', async (_form, yaml) => {
    const { status, body } = await t.apply(`${configMaps}/yaml`, Buffer.from(yaml), { query: '&dryRun=All' })
    expect([status, body['data']]).toEqual([201, { a: '1' }])
  })

  test.each([
    ['JSON', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"t"},"data":{"a":"1",\n"a":"2"}}', 2],
    ['YAML', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t}\ndata:\n  a: "1"\n  a: "2"\n', 6],
  ])('warns of what stands twice in %s, or refuses it', async (_form, twice, line) => {
    const send = (fieldValidation: string) =>
      t.apply(`${configMaps}/t`, Buffer.from(twice), { query: `&dryRun=All&fieldValidation=${fieldValidation}` })
    const warned = await send('Warn')
    expect([warned.status, warned.headers['warning']]).toEqual([
      201,
      `299 - "line ${line}: key \\"a\\" already set in map"`,
    ])
    expect(await send('Strict')).toMatchObject({
      status: 400,
      body: {
        message: `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line ${line}: key "a" already set in map`,
      },
    })
    expect((await send('Ignore')).headers).not.toHaveProperty('warning')
  })
})

describe('lists', () => {
  const port = (number: number, more: object = {}) => ({ name: `p${number}`, port: number, ...more })
  const service = (ports: object[]) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { ports },
  })

  test('with keys merge item by item', async () => {
    await t.apply(`${services}/web`, service([port(80)]))
    const { status, body } = await t.apply(`${services}/web`, service([port(443)]), { as: 'b' })
    expect(status).toBe(200)
    expect((body['spec'] as { ports: { port: number }[] }).ports.map((p) => p.port)).toEqual([80, 443])
    expect(await t.owners(`${services}/web`)).toMatchObject({
      'Apply a': {
        'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } },
      },
    })
    const gone = await t.apply(`${services}/web`, service([]), { as: 'b' })
    expect((gone.body['spec'] as { ports: { port: number }[] }).ports.map((p) => p.port)).toEqual([80])
  })

  test('of containers keep what others set in them', async () => {
    const deployment = (container: object) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', ...container }] } },
      },
    })
    const path = `${deployments}/web`
    expect((await t.apply(path, deployment({ image: 'i:1', env: [{ name: 'A', value: '1' }] }))).status).toBe(201)
    const env = { template: { spec: { containers: [{ name: 'c', env: [{ name: 'B', value: '2' }] }] } } }
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
    await t.api.request('PATCH', `${path}?fieldManager=env`, { spec: { replicas: 3, ...env } }, strategic)
    const { body } = await t.apply(path, deployment({ image: 'i:2' }))
    expect(body).toMatchObject({
      spec: {
        replicas: 3,
        template: { spec: { containers: [{ image: 'i:2', env: [{ name: 'B', value: '2' }] }] } },
      },
    })
    const { 'Update env': updated } = await t.owners(path)
    expect(updated).toMatchObject({ 'f:spec': { 'f:replicas': {} } })
  })

  test('of containers give up a probe with all its defaults', async () => {
    const template = (name: string, more: object) => ({
      apiVersion: 'v1',
      kind: 'PodTemplate',
      metadata: { name },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i', ...more }] } },
    })
    const path = '/api/v1/namespaces/default/podtemplates/probed'
    const livenessProbe = { httpGet: { path: '/', port: 80 } }
    expect((await t.apply(path, template('probed', { livenessProbe }))).body).toMatchObject({
      template: { spec: { containers: [{ livenessProbe: { ...livenessProbe, periodSeconds: 10 } }] } },
    })
    const { status, body } = await t.apply(path, template('probed', {}))
    expect(status).toBe(200)
    expect(body).toMatchObject({
      template: { spec: { containers: [expect.not.objectContaining({ livenessProbe: expect.anything() })] } },
    })
  })

  test('in which a key repeats keep what is not spoken of', async () => {
    const env = [
      { name: 'A', value: '1' },
      { name: 'A', value: '2' },
      { name: 'B', value: '1' },
    ]
    const path = '/api/v1/namespaces/default/podtemplates'
    const template = (containers: object[]) => ({
      apiVersion: 'v1',
      kind: 'PodTemplate',
      metadata: { name: 'twice' },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers } },
    })
    await t.api.request('POST', path, template([{ name: 'c', image: 'i', env }]))
    const { body } = await t.apply(`${path}/twice`, template([{ name: 'c', env: [{ name: 'C', value: '1' }] }]))
    expect(body).toMatchObject({ template: { spec: { containers: [{ env: [...env, { name: 'C' }] }] } } })
    const one = await t.apply(`${path}/twice`, template([{ name: 'c', env: [{ name: 'A', value: '3' }] }]), {
      query: '&force=true',
    })
    expect(one.body).toMatchObject({ template: { spec: { containers: [{ env: [{ value: '3' }, { name: 'B' }] }] } } })
  })

  test('that repeat or lack a key are refused', async () => {
    expect((await t.apply(`${services}/dup`, service([port(80), port(80)]))).body.message).toBe(
      'failed to create typed patch object (/web; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
    )
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'x' }, secrets: [{ uid: 'u' }] }
    expect((await t.apply('/api/v1/namespaces/default/serviceaccounts/x', account)).body.message).toContain(
      '.secrets: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
    )
  })

  test('may leave out a key that has a default, which is then what is wrong', async () => {
    const { status, body } = await t.apply(`${services}/web`, service([{ name: 'x' }]), { as: 'portless' })
    expect(status).toBe(422)
    expect(body.message).toContain('port: Invalid value: 0: must be between 1 and 65535, inclusive')
  })
})
