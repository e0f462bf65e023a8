import { describe, expect, test } from 'vitest'
import { type SpecInput, service } from '../testing/objects.ts'
import { chooseEndpoints, type EndpointState } from './endpoints.ts'
import { planService } from './plan.ts'

function endpoint(ip: string, state: Partial<EndpointState> = {}): EndpointState {
  const ready = state.ready ?? true
  return { ip, port: 80, local: false, ready, serving: ready, terminating: false, ...state }
}

const here = { node: 'node-1', zone: 'a' }
const ending = { ready: false, serving: true, terminating: true }
const both = { cluster: true, local: true }

describe('endpoints that receive traffic', () => {
  const cases: { name: string; endpoints: EndpointState[]; cluster: string[]; local: string[]; any: boolean }[] = [
    { name: 'none', endpoints: [], cluster: [], local: [], any: false },
    {
      name: 'ready ones, local ones apart',
      endpoints: [endpoint('2', { local: true }), endpoint('1'), endpoint('3', { ready: false, local: true })],
      cluster: ['1', '2'],
      local: ['2'],
      any: true,
    },
    {
      name: 'ending ones that serve only when nothing is ready',
      endpoints: [endpoint('1', ending), endpoint('2', { ready: false })],
      cluster: ['1'],
      local: [],
      any: true,
    },
    {
      name: 'an ending one here, though one elsewhere is ready',
      endpoints: [endpoint('1'), endpoint('2', { ...ending, local: true })],
      cluster: ['1'],
      local: ['2'],
      any: true,
    },
    {
      name: 'none of those not serving',
      endpoints: [endpoint('1', { ready: false })],
      cluster: [],
      local: [],
      any: false,
    },
    {
      name: 'those hinted to this zone',
      endpoints: [endpoint('1', { forZones: ['a'] }), endpoint('2', { forZones: ['b'] })],
      cluster: ['1'],
      local: [],
      any: true,
    },
    {
      name: 'those hinted to this node before those of the zone',
      endpoints: [
        endpoint('1', { forZones: ['a'], forNodes: ['node-2'] }),
        endpoint('2', { forZones: ['a'], forNodes: ['node-1'] }),
      ],
      cluster: ['2'],
      local: [],
      any: true,
    },
    {
      name: 'all when one has no hint',
      endpoints: [endpoint('1', { forZones: ['b'] }), endpoint('2')],
      cluster: ['1', '2'],
      local: [],
      any: true,
    },
    {
      name: 'all when no hint is for this zone',
      endpoints: [endpoint('1', { forZones: ['b'] })],
      cluster: ['1'],
      local: [],
      any: true,
    },
    { name: 'each once', endpoints: [endpoint('1'), endpoint('1')], cluster: ['1'], local: [], any: true },
  ]
  test.each(cases)('$name', ({ endpoints, cluster, local, any }) => {
    const choice = chooseEndpoints(endpoints, both, here)
    expect([choice.cluster.map((e) => e.ip), choice.local.map((e) => e.ip), choice.any]).toEqual([cluster, local, any])
  })
})

describe('what happens to a packet', () => {
  const elsewhere = [endpoint('10.244.1.1')]
  const local = [endpoint('10.244.0.1', { local: true })]
  const nodePort = { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30001 }] }
  const cases: { name: string; spec: SpecInput; endpoints: EndpointState[]; internal: string; external: string }[] = [
    { name: 'no endpoints', spec: nodePort, endpoints: [], internal: 'reject', external: 'reject' },
    { name: 'policy Cluster', spec: nodePort, endpoints: elsewhere, internal: 'cluster', external: 'cluster' },
    {
      name: 'internal Local, none here',
      spec: { internalTrafficPolicy: 'Local' },
      endpoints: elsewhere,
      internal: 'drop',
      external: 'cluster',
    },
    {
      name: 'internal Local, one here',
      spec: { internalTrafficPolicy: 'Local' },
      endpoints: local,
      internal: 'local',
      external: 'cluster',
    },
    {
      name: 'external Local, none here',
      spec: { ...nodePort, externalTrafficPolicy: 'Local' },
      endpoints: elsewhere,
      internal: 'cluster',
      external: 'drop',
    },
  ]
  test.each(cases)('$name', ({ spec, endpoints, internal, external }) => {
    const [plan] = planService(service('demo/web', '10.96.0.1', spec), () => endpoints, here)
    expect(plan).toMatchObject({ id: 'demo/web:http', internal, external })
  })

  test('a Service of two families has a plan in each', () => {
    const dual = service('demo/web', '10.96.0.1', {
      clusterIPs: ['10.96.0.1', 'fd00::1'],
      externalIPs: ['192.0.2.1', '2001:db8::1'],
    })
    const plans = planService(dual, () => local, here)
    expect(plans.map((p) => [p.family, p.clusterIp, ...p.externalIps])).toEqual([
      [4, '10.96.0.1', '192.0.2.1'],
      [6, 'fd00::1', '2001:db8::1'],
    ])
  })
  test('headless and ExternalName Services have none', () => {
    expect(planService(service('demo/web', 'None'), () => local, here)).toEqual([])
    expect(planService(service('demo/web', '', { type: 'ExternalName' }), () => local, here)).toEqual([])
  })
})
