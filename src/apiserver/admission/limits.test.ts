import { describe, expect, test } from 'vitest'
import type { LimitRangeItem, Pod } from '../../api/generated/v1.ts'
import { startTestServer } from '../test-server.ts'
import { applyDefaults, podProblems } from './limits.ts'

const pod = (requests: Record<string, string> = {}, limits: Record<string, string> = {}): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', resources: { requests, limits } }, { name: 'd' }] },
})
const container = (item: Partial<LimitRangeItem>): LimitRangeItem => ({ type: 'Container', ...item })

test('containers get what they do not speak of', () => {
  const object = pod({ cpu: '1' })
  applyDefaults(object, [container({ default: { cpu: '2', memory: '1Gi' }, defaultRequest: { cpu: '100m' } })])
  expect(object.spec?.containers.map(({ resources }) => resources)).toEqual([
    { requests: { cpu: '1' }, limits: { cpu: '2', memory: '1Gi' } },
    { requests: { cpu: '100m' }, limits: { cpu: '2', memory: '1Gi' } },
  ])
  expect(object.metadata.annotations?.['kubernetes.io/limit-ranger']).toBe(
    'LimitRanger plugin set: cpu, memory limit for container c; cpu request for container d; cpu, memory limit for container d',
  )
})

describe('a pod breaks', () => {
  const whole = pod({ cpu: '1' }, { cpu: '2' })
  whole.spec?.containers.pop()
  test.each<[string, LimitRangeItem, string[]]>([
    ['nothing', container({ min: { cpu: '1' }, max: { cpu: '2' } }), []],
    ['a minimum', container({ min: { cpu: '1500m' } }), ['minimum cpu usage per Container is 1500m, but request is 1']],
    [
      'a minimum by silence',
      container({ min: { memory: '1Mi' } }),
      ['minimum memory usage per Container is 1Mi.  No request is specified'],
    ],
    ['a maximum', container({ max: { cpu: '1' } }), ['maximum cpu usage per Container is 1, but limit is 2']],
    [
      'a maximum by silence',
      container({ max: { memory: '1Mi' } }),
      ['maximum memory usage per Container is 1Mi.  No limit is specified'],
    ],
    [
      'a ratio',
      container({ maxLimitRequestRatio: { cpu: '1500m' } }),
      ['cpu max limit to request ratio per Container is 1500m, but provided ratio is 2.000000'],
    ],
    ['a maximum of pods', { type: 'Pod', max: { cpu: '1' } }, ['maximum cpu usage per Pod is 1, but limit is 2']],
  ])('%s', (_name, item, expected) => expect(podProblems(whole, [item])).toEqual(expected))
})

test('pods and claims of a namespace go by its LimitRanges', async () => {
  await using server = await startTestServer()
  const path = '/api/v1/namespaces/default'
  await server.request('POST', `${path}/serviceaccounts`, { metadata: { name: 'default' } })
  await server.request('POST', `${path}/limitranges`, {
    metadata: { name: 'l' },
    spec: { limits: [container({ max: { cpu: '1' } }), { type: 'PersistentVolumeClaim', max: { storage: '1Gi' } }] },
  })
  const create = (name: string, resources: object) =>
    server.request('POST', `${path}/pods`, {
      metadata: { name },
      spec: { containers: [{ name: 'c', image: 'i', resources }] },
    })
  expect((await create('small', {})).body['spec']).toMatchObject({
    containers: [{ resources: { requests: { cpu: '1' }, limits: { cpu: '1' } } }],
  })
  expect((await create('big', { limits: { cpu: '2' } })).body.message).toBe(
    'pods "big" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  )
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } }
  const refused = await server.request('POST', `${path}/persistentvolumeclaims`, {
    metadata: { name: 'c' },
    spec: claim,
  })
  expect(refused.body.message).toBe(
    'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi',
  )
})
