import { describe, expect, test } from 'vitest'
import { hostBatch, isClusterNamespace, nodeSetup, switchSetup } from './network-plan.ts'
import { checkSettings, defaults, layoutOf, stateBase } from './settings.ts'

const layout = layoutOf(defaults, '/state')

describe('settings', () => {
  test('the usual ones are fine, and say where everything is', () => {
    checkSettings(defaults)
    expect(layout).toMatchObject({
      context: 'fairway',
      dir: '/state/fairway',
      apiServer: 'https://172.30.0.1:6443',
      kubernetesIp: '10.96.0.1',
      dnsIp: '10.96.0.10',
    })
    expect(layout.nodes).toEqual([
      {
        name: 'node-1',
        namespace: 'fw-fairway-node-1',
        ip: '172.30.0.11',
        podCidr: '10.244.0.0/24',
        dir: '/state/fairway/nodes/node-1',
      },
    ])
    expect(layoutOf({ ...defaults, name: 'ci' }, '/state').context).toBe('fairway-ci')
  })

  const refused: [Partial<typeof defaults>, string][] = [
    [{ name: 'a-node-1' }, '--name a-node-1'],
    [{ name: 'thirteen-long' }, '--name thirteen-long'],
    [{ nodes: 2 }, '--nodes 2'],
    [{ serviceCidr: '10.96.0.0/30' }, 'the prefix must be between /8 and /28'],
    [{ nodeCidr: 'fd00::/64' }, 'must be an IPv4 range'],
    [{ nodeCidr: '10.244.8.0/24' }, '--pod-cidr 10.244.0.0/16 overlaps --node-cidr 10.244.8.0/24'],
    [{ clusterDomain: 'under_score' }, '--cluster-domain under_score'],
  ]
  test.each(refused)('%j is refused', (change, message) => {
    expect(() => checkSettings({ ...defaults, ...change })).toThrow(message)
  })

  test('the state directory comes from the environment, or is the usual one', () => {
    expect(stateBase({})).toBe('/var/lib/fairway')
    expect(stateBase({ FAIRWAY_STATE_DIR: '/elsewhere' })).toBe('/elsewhere')
  })
})

describe('the network', () => {
  test('of a cluster is told from that of another with a longer name', () => {
    const mine = ['fw-fairway', 'fw-fairway-node-1', 'fw-fairway-node-1-0a1b']
    expect(mine.every((name) => isClusterNamespace(layout, name))).toBe(true)
    const others = ['fw-fairway-x', 'fw-fairway-x-node-1', 'fw-fair', 'cni-1234']
    expect(others.some((name) => isClusterNamespace(layout, name))).toBe(false)
  })

  test('lets nothing uncaught out: service and pod ranges end at the switch and on the host, not on the node', () => {
    const ends = ['route add unreachable 10.96.0.0/12', 'route add unreachable 10.244.0.0/16']
    expect(hostBatch(layout)).toEqual(expect.arrayContaining(ends))
    expect(switchSetup(layout, true).batch).toEqual(expect.arrayContaining(ends))
    const [node] = layout.nodes
    const batch = node ? nodeSetup(layout, node).batch : []
    expect(batch.filter((line) => line.includes('unreachable'))).toEqual([])
    expect(batch).toContain('route add default via 172.30.0.1')
  })

  test('has a way out only with egress', () => {
    const way = 'route add default via 172.30.0.2'
    expect(switchSetup(layout, true).batch).toContain(way)
    expect(switchSetup(layout, false).batch).not.toContain(way)
  })
})
