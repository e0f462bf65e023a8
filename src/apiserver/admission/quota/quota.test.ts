import { describe, expect, test } from 'vitest'
import type { Pod, ResourceQuota } from '../../../api/generated/v1.ts'
import { startTestServer, type TestServer } from '../../test-server.ts'
import { addition, refusal, usedWith } from './check.ts'

const quotas = '/api/v1/namespaces/default/resourcequotas'
const at = (plural: string) => `/api/v1/namespaces/default/${plural}`

/** A quota as its controller leaves it. */
async function quota(server: TestServer, hard: Record<string, string>, used: Record<string, string>) {
  const { body } = await server.request('POST', quotas, { metadata: { name: 'q' }, spec: { hard } })
  const counted = { ...body, status: { hard, used } }
  expect((await server.request('PUT', `${quotas}/q/status`, counted)).status).toBe(200)
}

const used = async (server: TestServer) => (await server.request('GET', `${quotas}/q`)).body['status']

describe('a namespace with a quota', () => {
  test('holds so many Services, and no more', async () => {
    await using server = await startTestServer()
    await quota(server, { services: '1', 'services.nodeports': '2' }, { services: '0', 'services.nodeports': '0' })
    const service = (name: string, ports = 1) => ({
      metadata: { name },
      spec: { type: 'NodePort', ports: Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, port: 80 + i })) },
    })
    const three = await server.request('POST', at('services'), service('three', 3))
    expect(three.status).toBe(403)
    expect(three.body.message).toBe(
      'services "three" is forbidden: exceeded quota: q, requested: services.nodeports=3, used: services.nodeports=0, limited: services.nodeports=2',
    )
    expect((await server.request('POST', `${at('services')}?dryRun=All`, service('dry'))).status).toBe(201)
    expect((await server.request('POST', at('services'), service('a'))).status).toBe(201)
    expect(await used(server)).toMatchObject({ used: { services: '1', 'services.nodeports': '1' } })
    const second = await server.request('POST', at('services'), service('b'))
    expect(second.body.message).toBe(
      'services "b" is forbidden: exceeded quota: q, requested: services=1, used: services=1, limited: services=1',
    )
    const { body } = await server.request('GET', `${at('services')}/a`)
    const more = { ...body, spec: { ...(body['spec'] as object), ports: service('a', 3).spec.ports } }
    expect((await server.request('PUT', `${at('services')}/a`, more)).body.message).toContain(
      'requested: services.nodeports=2, used: services.nodeports=1, limited: services.nodeports=2',
    )
  })

  test('counts what a resized pod comes to, and LimitRanges bound it', async () => {
    await using server = await startTestServer()
    await quota(server, { 'requests.cpu': '2' }, { 'requests.cpu': '1' })
    const resources = { requests: { cpu: '1', memory: '1Mi' } }
    const spec = { containers: [{ name: 'c', image: 'i', resources }], serviceAccountName: 'default' }
    expect((await server.request('POST', at('pods'), { metadata: { name: 'p' }, spec })).status).toBe(201)
    const resize = async (cpu: string) => {
      const { body } = await server.request('GET', `${at('pods')}/p`)
      const wanted = { requests: { cpu, memory: '1Mi' } }
      const changed = {
        ...body,
        spec: { ...(body['spec'] as object), containers: [{ ...spec.containers[0], resources: wanted }] },
      }
      return server.request('PUT', `${at('pods')}/p/resize`, changed)
    }
    expect((await resize('2')).body.message).toBe(
      'pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=2, limited: requests.cpu=2',
    )
    expect((await resize('500m')).status).toBe(200)
    const limits = [{ type: 'Container', min: { cpu: '300m' } }]
    await server.request('POST', at('limitranges'), { metadata: { name: 'l' }, spec: { limits } })
    expect((await resize('200m')).body.message).toBe(
      'pods "p" is forbidden: minimum cpu usage per Container is 300m, but request is 200m',
    )
  })

  test('counts objects of any kind', async () => {
    await using server = await startTestServer()
    const hard = { 'count/jobs.batch': '0', configmaps: '1' }
    await quota(server, hard, { 'count/jobs.batch': '0', configmaps: '0' })
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }
    const job = { metadata: { name: 'j' }, spec: { template } }
    expect((await server.request('POST', '/apis/batch/v1/namespaces/default/jobs', job)).body.message).toBe(
      'jobs.batch "j" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0',
    )
    expect((await server.request('POST', at('configmaps'), { metadata: { name: 'a' } })).status).toBe(201)
    expect((await server.request('POST', at('configmaps'), { metadata: { name: 'b' } })).status).toBe(403)
    expect((await server.request('POST', at('secrets'), { metadata: { name: 'c' } })).status).toBe(201)
  })

  test('asks for patience until it has been counted', async () => {
    await using server = await startTestServer()
    await server.request('POST', quotas, { metadata: { name: 'q' }, spec: { hard: { secrets: '5' } } })
    const { status, body } = await server.request('POST', at('secrets'), { metadata: { name: 'a' } })
    expect(status).toBe(403)
    expect(body.message).toBe('secrets "a" is forbidden: status unknown for quota: q, resources: secrets')
  })
})

const pod = (requests: Record<string, string>, spec: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'default' },
  spec: { containers: [{ name: 'c', resources: { requests, limits: requests } }], ...spec },
})

function refusedBy(hard: Record<string, string>, object: Pod, spec: ResourceQuota['spec'] = {}): string | undefined {
  const zero = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']))
  const subject: ResourceQuota = { metadata: { name: 'q' }, spec: { hard, ...spec }, status: { hard, used: zero } }
  const added = addition('pods', object, undefined)
  return added && refusal(subject, added)
}

describe('a pod', () => {
  test.each<[string, Record<string, string>, Pod, string | undefined]>([
    ['fits', { 'requests.cpu': '1', pods: '1' }, pod({ cpu: '500m' }), undefined],
    [
      'asks for too much',
      { 'requests.cpu': '1', memory: '1Gi' },
      pod({ cpu: '1500m', memory: '2Gi' }),
      'exceeded quota: q, requested: memory=2Gi,requests.cpu=1500m, used: memory=0,requests.cpu=0, limited: memory=1Gi,requests.cpu=1',
    ],
    [
      'says nothing of what is limited',
      { 'limits.cpu': '1', 'requests.memory': '1Gi' },
      pod({ cpu: '1' }),
      'failed quota: q: must specify requests.memory for: c',
    ],
    ['has ended', { pods: '0' }, { ...pod({}), status: { phase: 'Succeeded' } }, undefined],
  ])('%s', (_name, hard, object, expected) => expect(refusedBy(hard, object)).toBe(expected))

  test.each<[string, string, Pod, boolean]>([
    ['best effort', 'BestEffort', pod({}), true],
    ['best effort', 'BestEffort', pod({ cpu: '1' }), false],
    ['not best effort', 'NotBestEffort', pod({ cpu: '1' }), true],
    ['that ends', 'Terminating', pod({}, { activeDeadlineSeconds: 5 }), true],
    ['that goes on', 'NotTerminating', pod({}, { activeDeadlineSeconds: 5 }), false],
  ])('%s', (_name, scope, object, counts) => {
    expect(refusedBy({ pods: '0' }, object, { scopes: [scope] }) !== undefined).toBe(counts)
  })

  test('of a priority', () => {
    const matchExpressions = [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }]
    const of = (priorityClassName: string) =>
      refusedBy({ pods: '0' }, pod({}, { priorityClassName }), { scopeSelector: { matchExpressions } })
    expect(of('high')).toBeDefined()
    expect(of('low')).toBeUndefined()
  })

  test('is added to what is used', () => {
    const hard = { 'requests.memory': '1Gi', pods: '5' }
    const subject: ResourceQuota = {
      metadata: { name: 'q' },
      spec: { hard },
      status: { hard, used: { 'requests.memory': '512Mi', pods: '1' } },
    }
    const added = addition('pods', pod({ memory: '256Mi' }), undefined)
    expect(added && usedWith(subject, added)).toEqual({ 'requests.memory': '768Mi', pods: '2' })
  })
})
