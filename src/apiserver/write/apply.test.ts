import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import { type Answer, startTestServer, type TestServer } from '../test-server.ts'

let api: TestServer
let clock: FakeClock
beforeAll(async () => {
  clock = new FakeClock('2026-01-01T00:00:00Z')
  api = await startTestServer({ clock })
})
afterAll(() => api[Symbol.asyncDispose]())

const configMaps = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const services = '/api/v1/namespaces/default/services'
const merge = { 'content-type': 'application/merge-patch+json' }

const apply = (path: string, body: unknown, { as = 'a', query = '' } = {}) =>
  api.request('PATCH', `${path}?fieldManager=${as}${query}`, body, { 'content-type': 'application/apply-patch+yaml' })

const configMap = (name: string, data: object, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})
const applyData = (name: string, data: object, options?: { as?: string; query?: string }) =>
  apply(`${configMaps}/${name}`, configMap(name, data), options)

interface Entry {
  readonly manager: string
  readonly operation: string
  readonly fieldsV1: object
  readonly time: string
}

function managedFieldsOf(body: Answer['body']): Entry[] {
  return (body.metadata?.['managedFields'] ?? []) as Entry[]
}

async function owners(path: string): Promise<Record<string, object>> {
  const { body } = await api.request('GET', path)
  return Object.fromEntries(
    managedFieldsOf(body).map((entry) => [`${entry.operation} ${entry.manager}`, entry.fieldsV1]),
  )
}

const kinds: Readonly<Record<string, readonly [string, string]>> = {
  configmaps: ['ConfigMap', 'v1'],
  endpointslices: ['EndpointSlice', 'discovery.k8s.io/v1'],
  pods: ['Pod', 'v1'],
  secrets: ['Secret', 'v1'],
}

describe('apply', () => {
  test('creates, and says what its manager owns', async () => {
    const created = await applyData('new', { a: '1' })
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
    expect((await applyData('new', { a: '2' })).status).toBe(200)
  })

  test('that changes nothing writes nothing', async () => {
    const { body } = await applyData('same', { a: '1' })
    clock.advance(60_000)
    const again = await applyData('same', { a: '1' })
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
    const { body } = await apply(path, config)
    clock.advance(60_000)
    const again = await apply(path, config)
    expect(again.status, again.body.message).toBe(200)
    expect(again.body.metadata?.['resourceVersion']).toBe(body.metadata?.['resourceVersion'])
  })

  test('takes out what its manager no longer names, unless others own it', async () => {
    await applyData('prune', { a: '1', b: '1', c: '1' })
    await applyData('prune', { b: '1' }, { as: 'other' })
    await api.request('PATCH', `${configMaps}/prune`, { data: { d: '1' } }, merge)
    const { body } = await applyData('prune', { a: '1' })
    expect(body['data']).toEqual({ a: '1', b: '1', d: '1' })
    expect(await owners(`${configMaps}/prune`)).toEqual({
      'Apply a': { 'f:data': { 'f:a': {} } },
      'Apply other': { 'f:data': { 'f:b': {} } },
      'Update unknown': { 'f:data': { 'f:d': {} } },
    })
    const { body: rest } = await applyData('prune', {})
    expect(rest['data']).toEqual({ b: '1', d: '1' })
  })

  test('of another value of what others own is a conflict, which force resolves', async () => {
    await applyData('fight', { a: '1', b: '1' })
    await api.request('PATCH', `${configMaps}/fight?fieldManager=editor`, { data: { b: '2' } }, merge)
    expect(await applyData('fight', { a: '2' }, { as: 'b' })).toMatchObject({
      status: 409,
      body: {
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "a": .data.a',
        details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.data.a' }] },
      },
    })
    const both = await applyData('fight', { a: '2', b: '3' }, { as: 'b' })
    expect(both.body.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "a":\n- .data.a\nconflicts with "editor" using v1:\n- .data.b',
    )
    const forced = await applyData('fight', { a: '2', b: '3' }, { as: 'b', query: '&force=true' })
    expect(forced).toMatchObject({ status: 200, body: { data: { a: '2', b: '3' } } })
    expect(await owners(`${configMaps}/fight`)).toEqual({ 'Apply b': { 'f:data': { 'f:a': {}, 'f:b': {} } } })
  })

  test('of the same value shares it', async () => {
    await applyData('share', { a: '1' })
    expect((await applyData('share', { a: '1' }, { as: 'b' })).status).toBe(200)
    await applyData('share', {})
    expect((await api.request('GET', `${configMaps}/share`)).body['data']).toEqual({ a: '1' })
  })

  test('of an object that was made otherwise meets its maker under one name', async () => {
    await api.request('POST', configMaps, { metadata: { name: 'before' }, data: { a: '1', b: '1' } })
    expect((await applyData('before', { a: '2' })).body.message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
    )
    expect((await applyData('before', { a: '1' })).status).toBe(200)
    expect(Object.keys(await owners(`${configMaps}/before`)).sort()).toEqual(['Apply a', 'Update before-first-apply'])
  })

  test('lets kubectl take over what it applied on the client', async () => {
    const config = JSON.stringify(configMap('csa', { a: '1', b: '1' }))
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': config }
    await api.request('POST', configMaps, { metadata: { name: 'csa', annotations }, data: { a: '1', b: 'edited' } })
    const refused = await applyData('csa', { a: '2', b: '2' }, { as: 'kubectl' })
    expect(refused.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.b',
    )
    const { status, body } = await applyData('csa', { a: '2', b: 'edited' }, { as: 'kubectl' })
    expect(status).toBe(200)
    const now = body.metadata?.['annotations'] as Record<string, string> | undefined
    expect(JSON.parse(Object.values(now ?? {})[0] ?? '')).toEqual(configMap('csa', { a: '2', b: 'edited' }))
  })

  test('with dryRun shows and stores nothing', async () => {
    expect(await applyData('dry', { a: '1' }, { query: '&dryRun=All' })).toMatchObject({ status: 201 })
    expect((await api.request('GET', `${configMaps}/dry`)).status).toBe(404)
  })

  test.each([
    ['blocks', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n'],
    ['flow', '{apiVersion: v1, kind: ConfigMap, metadata: {name: yaml}, data: {a: "1"}}'],
  ])('takes YAML in %s', async (_form, yaml) => {
    const { status, body } = await apply(`${configMaps}/yaml`, Buffer.from(yaml), { query: '&dryRun=All' })
    expect([status, body['data']]).toEqual([201, { a: '1' }])
  })

  test.each([
    ['JSON', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"t"},"data":{"a":"1",\n"a":"2"}}', 2],
    ['YAML', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t}\ndata:\n  a: "1"\n  a: "2"\n', 6],
  ])('warns of what stands twice in %s, or refuses it', async (_form, twice, line) => {
    const send = (fieldValidation: string) =>
      apply(`${configMaps}/t`, Buffer.from(twice), { query: `&dryRun=All&fieldValidation=${fieldValidation}` })
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
    await apply(`${services}/web`, service([port(80)]))
    const { status, body } = await apply(`${services}/web`, service([port(443)]), { as: 'b' })
    expect(status).toBe(200)
    expect((body['spec'] as { ports: { port: number }[] }).ports.map((p) => p.port)).toEqual([80, 443])
    expect(await owners(`${services}/web`)).toMatchObject({
      'Apply a': {
        'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } },
      },
    })
    const gone = await apply(`${services}/web`, service([]), { as: 'b' })
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
    expect((await apply(path, deployment({ image: 'i:1', env: [{ name: 'A', value: '1' }] }))).status).toBe(201)
    const env = { template: { spec: { containers: [{ name: 'c', env: [{ name: 'B', value: '2' }] }] } } }
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
    await api.request('PATCH', `${path}?fieldManager=env`, { spec: { replicas: 3, ...env } }, strategic)
    const { body } = await apply(path, deployment({ image: 'i:2' }))
    expect(body).toMatchObject({
      spec: {
        replicas: 3,
        template: { spec: { containers: [{ image: 'i:2', env: [{ name: 'B', value: '2' }] }] } },
      },
    })
    const { 'Update env': updated } = await owners(path)
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
    expect((await apply(path, template('probed', { livenessProbe }))).body).toMatchObject({
      template: { spec: { containers: [{ livenessProbe: { ...livenessProbe, periodSeconds: 10 } }] } },
    })
    const { status, body } = await apply(path, template('probed', {}))
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
    await api.request('POST', path, template([{ name: 'c', image: 'i', env }]))
    const { body } = await apply(`${path}/twice`, template([{ name: 'c', env: [{ name: 'C', value: '1' }] }]))
    expect(body).toMatchObject({ template: { spec: { containers: [{ env: [...env, { name: 'C' }] }] } } })
    const one = await apply(`${path}/twice`, template([{ name: 'c', env: [{ name: 'A', value: '3' }] }]), {
      query: '&force=true',
    })
    expect(one.body).toMatchObject({ template: { spec: { containers: [{ env: [{ value: '3' }, { name: 'B' }] }] } } })
  })

  test('that repeat or lack a key are refused', async () => {
    expect((await apply(`${services}/dup`, service([port(80), port(80)]))).body.message).toBe(
      'failed to create typed patch object (/web; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
    )
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'x' }, secrets: [{ uid: 'u' }] }
    expect((await apply('/api/v1/namespaces/default/serviceaccounts/x', account)).body.message).toContain(
      '.secrets: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
    )
  })

  test('may leave out a key that has a default, which is then what is wrong', async () => {
    const { status, body } = await apply(`${services}/web`, service([{ name: 'x' }]), { as: 'portless' })
    expect(status).toBe(422)
    expect(body.message).toContain('port: Invalid value: 0: must be between 1 and 65535, inclusive')
  })
})

describe('status', () => {
  test('is applied through its own endpoint, and only there', async () => {
    await api.request('POST', '/api/v1/nodes', { metadata: { name: 'n' } })
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { unschedulable: true } }
    const condition = { type: 'Ready', status: 'True', reason: 'R', message: '' }
    const times = { lastHeartbeatTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' }
    const status = { conditions: [{ ...condition, ...times }] }
    const { body } = await apply('/api/v1/nodes/n/status', { ...node, status })
    expect(body).toMatchObject({ status: { conditions: [{ type: 'Ready' }] } })
    expect(body['spec']).not.toMatchObject({ unschedulable: true })
    const [entry] = managedFieldsOf(body)
    expect(entry).toMatchObject({
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:conditions': expect.anything() } },
    })
    expect(entry?.fieldsV1).not.toHaveProperty('f:spec')
    expect((await apply('/api/v1/nodes/none/status', { ...node, metadata: { name: 'none' } })).status).toBe(404)
  })
})

describe('an object of several versions', () => {
  const autoscaler = (apiVersion: string, spec: object) => ({
    apiVersion,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h' },
    spec: { maxReplicas: 5, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, ...spec },
  })
  const at = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/h`
  const target = (averageUtilization: number) => ({ type: 'Utilization', averageUtilization })
  const byMetrics = (percent: number) =>
    autoscaler('autoscaling/v2', {
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: target(percent) } }],
    })

  test('has owners who know it by any of them', async () => {
    const percent = autoscaler('autoscaling/v1', { targetCPUUtilizationPercentage: 50 })
    expect((await apply(at('v1'), percent, { as: 'old' })).status).toBe(201)
    expect((await apply(at('v2'), byMetrics(60), { as: 'new' })).body.message).toBe(
      'Apply failed with 1 conflict: conflict with "old": .spec.targetCPUUtilizationPercentage',
    )
    expect((await apply(at('v2'), byMetrics(60), { as: 'new', query: '&force=true' })).status).toBe(200)
    const shared = { 'f:maxReplicas': {} }
    expect(await owners(at('v1'))).toEqual({
      'Apply new': {
        'f:spec': {
          ...shared,
          'f:metrics': {},
          'f:scaleTargetRef': { 'f:apiVersion': {}, 'f:kind': {}, 'f:name': {} },
        },
      },
      'Apply old': { 'f:spec': { ...shared, 'f:scaleTargetRef': {} } },
    })
  })
})

describe('a scale', () => {
  const path = `${deployments}/scaled`
  const scale = (replicas: unknown, more: object = {}) => ({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 'scaled' },
    spec: { replicas },
    ...more,
  })
  const labels = { a: 'b' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const deployment = (spec: object) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'scaled' },
    spec: { selector: { matchLabels: labels }, template, ...spec },
  })

  test('is applied to what it scales', async () => {
    expect((await apply(`${path}/scale`, scale(2))).status).toBe(404)
    await apply(path, deployment({ replicas: 1 }))
    expect(await apply(`${path}/scale`, scale(2), { as: 'scaler' })).toMatchObject({
      status: 409,
      body: { message: 'Apply failed with 1 conflict: conflict with "a": .spec.replicas' },
    })
    expect(await apply(`${path}/scale`, scale(2), { as: 'scaler', query: '&force=true' })).toMatchObject({
      status: 200,
      body: { kind: 'Scale', spec: { replicas: 2 } },
    })
    expect((await owners(path))['Apply scaler']).toEqual({ 'f:spec': { 'f:replicas': {} } })
    expect((await apply(path, deployment({ replicas: 3 }))).body.message).toBe(
      'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale": .spec.replicas',
    )
    expect((await apply(path, deployment({}))).body).toMatchObject({ spec: { replicas: 2 } })
  })

  test.each([
    ['of another type', scale('2'), '.spec.replicas: expected numeric (int or float), got string'],
    [
      'that is another kind',
      { ...scale(2), kind: 'Deployment' },
      'invalid object type: autoscaling/v1, Kind=Deployment',
    ],
  ])('%s is refused', async (_what, body, message) => {
    const answer = await apply(`${path}/scale`, body)
    expect(answer.status).toBe(400)
    expect(answer.body.message).toContain(message)
  })
})

describe('managedFields', () => {
  test('begin with the creator, if it says its name as a manager', async () => {
    const web = {
      metadata: { name: 'made', labels: { a: 'b' } },
      spec: { selector: { a: 'b' }, ports: [{ port: 80 }] },
    }
    const { body } = await api.request('POST', `${services}?fieldManager=kubectl-create`, web)
    expect(body.metadata?.['managedFields']).toEqual([
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'v1',
        time: expect.any(String),
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
          'f:spec': {
            'f:internalTrafficPolicy': {},
            'f:ports': {
              '.': {},
              'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:protocol': {}, 'f:targetPort': {} },
            },
            'f:selector': {},
            'f:sessionAffinity': {},
            'f:type': {},
          },
        },
      },
    ])
    const conflict = await apply(`${services}/made`, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'made' },
      spec: { type: 'NodePort' },
    })
    expect(conflict.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-create" using v1: .spec.type',
    )
  })

  test('of who does not say its name begin with the first apply', async () => {
    const { body } = await api.request('POST', configMaps, { metadata: { name: 'unnamed' }, data: { a: '1' } })
    expect(body.metadata).not.toHaveProperty('managedFields')
    const patched = await api.request('PATCH', `${configMaps}/unnamed?fieldManager=late`, { data: { a: '2' } }, merge)
    expect(patched.body.metadata).not.toHaveProperty('managedFields')
  })

  test('stay through updates of clients that do not know them, and go when asked', async () => {
    const { body } = await applyData('mf', { a: '1' })
    const { managedFields: _managedFields, ...metadata } = body.metadata ?? {}
    await api.request('PUT', `${configMaps}/mf?fieldManager=put`, { metadata, data: { a: '1', b: '1' } })
    expect(await owners(`${configMaps}/mf`)).toEqual({
      'Apply a': { 'f:data': { 'f:a': {} } },
      'Update put': { 'f:data': { 'f:b': {} } },
    })
    await api.request('PATCH', `${configMaps}/mf`, { metadata: { managedFields: [{}] } }, merge)
    expect(await owners(`${configMaps}/mf`)).toEqual({})
  })

  test('may be rewritten by who knows them', async () => {
    const { body } = await applyData('rewrite', { a: '1' })
    const [entry] = managedFieldsOf(body)
    const managedFields = [{ ...entry, manager: 'renamed' }]
    await api.request('PATCH', `${configMaps}/rewrite`, { metadata: { managedFields } }, merge)
    expect(Object.keys(await owners(`${configMaps}/rewrite`))).toEqual(['Apply renamed'])
  })
})

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
    const answer = await apply(path, body)
    expect(answer.status).toBe(400)
    expect(answer.body.message).toContain(message)
  })

  test('no manager, and force where nothing is applied', async () => {
    const headers = { 'content-type': 'application/apply-patch+yaml' }
    expect(await api.request('PATCH', path, good, headers)).toMatchObject({
      status: 422,
      body: {
        message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      },
    })
    expect(await api.request('PATCH', `${path}?force=true`, good, merge)).toMatchObject({
      status: 422,
      body: {
        message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
      },
    })
  })

  test('a version that is not the current one, and another object of the name', async () => {
    const { body } = await applyData('precise', { a: '1' })
    const { resourceVersion, uid } = body.metadata ?? {}
    const precise = (metadata: object) =>
      apply(`${configMaps}/precise`, configMap('precise', { a: '2' }, metadata), { query: '&dryRun=All' })
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
    expect((await apply(path, bad)).status).toBe(422)
  })
})
