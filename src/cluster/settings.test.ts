import { describe, expect, test } from 'vitest'
import { hostBatch, isClusterNamespace, nodeSetup, outsideSetup, switchSetup } from './network-plan.ts'
import { completeSettings, defaults, differingOptions, layoutOf, nodeCidrFor, stateBase } from './settings.ts'
import { checkSettings } from './validation.ts'

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
        number: 1,
        name: 'node-1',
        namespace: 'fw-fairway-node-1',
        ips: ['172.30.0.11'],
        labels: {},
        dir: '/state/fairway/nodes/node-1',
      },
    ])
    expect(layoutOf({ ...defaults, name: 'ci' }, '/state').context).toBe('fairway-ci')
  })

  const refused: [Partial<typeof defaults>, string][] = [
    [{ name: 'a-node-1' }, '--name a-node-1'],
    [{ name: 'thirteen-long' }, '--name thirteen-long'],
    [{ name: 'an-outside' }, '--name an-outside'],
    [{ nodes: 200 }, '--nodes 200: these ranges have room for 189'],
    [{ nodes: 2, podCidr: '10.244.0.0/24' }, '--nodes 2: these ranges have room for 1'],
    [{ zones: 'a,,b' }, '--zones a,,b: ""'],
    [{ serviceNodePortRange: '32767-30000' }, '--service-node-port-range 32767-30000: not a range of ports'],
    [{ serviceNodePortRange: '30000' }, '--service-node-port-range 30000: not a range of ports'],
    [{ serviceCidr: '10.96.0.0/30' }, 'the prefix must be between /8 and /28'],
    [{ nodeCidr: 'fd00::/64' }, 'give ranges of the same families in the same order'],
    [{ serviceCidr: '10.96.0.0/16,10.97.0.0/16' }, 'at most one IPv4 and one IPv6 range'],
    [{ serviceCidr: 'fd00:96::/112' }, '--service-cidr fd00:96::/112: needs pods of its families'],
    [{ serviceCidr: '10.96.0.0/16,fd00:96::/112' }, 'needs pods of its families'],
    [{ podCidr: '10.244.0.0/16,fd00:244::/80' }, '--pod-cidr fd00:244::/80: the prefix must be between /16 and /64'],
    [{ nodeCidr: '10.244.8.0/24' }, '--pod-cidr 10.244.0.0/16 overlaps --node-cidr 10.244.8.0/24'],
    [{ clusterDomain: 'under_score' }, '--cluster-domain under_score'],
  ]
  test.each(refused)('%j is refused', (change, message) => {
    expect(() => checkSettings({ ...defaults, ...change })).toThrow(message)
  })

  test('nodes get addresses of both families, and zones in turn', () => {
    const podCidr = '10.244.0.0/16,fd00:244::/48'
    const config = {
      ...defaults,
      nodes: 3,
      podCidr,
      serviceCidr: '10.96.0.0/12,fd00:96::/112',
      nodeCidr: nodeCidrFor(podCidr),
      zones: 'a,b',
    }
    checkSettings(config)
    const dual = layoutOf(config, '/state')
    expect(dual.nodes.map(({ ips }) => ips)).toEqual([
      ['172.30.0.11', 'fd00:172:30::b'],
      ['172.30.0.12', 'fd00:172:30::c'],
      ['172.30.0.13', 'fd00:172:30::d'],
    ])
    expect(dual.nodes.map(({ labels }) => labels['topology.kubernetes.io/zone'])).toEqual(['a', 'b', 'a'])
    const second = dual.nodes[1]
    expect(second && nodeSetup(dual, second).batch).toContain('addr add fd00:172:30::c/64 dev eth0 nodad')
  })

  test('a cluster of IPv6 alone has its API server there', () => {
    const podCidr = 'fd00:244::/48'
    const six = layoutOf(
      { ...defaults, podCidr, serviceCidr: 'fd00:96::/112', nodeCidr: nodeCidrFor(podCidr) },
      '/state',
    )
    expect(six).toMatchObject({ apiServer: 'https://[fd00:172:30::1]:6443', dnsIp: 'fd00:96::a' })
  })

  test('the state directory comes from the environment, or is the usual one', () => {
    expect(stateBase({})).toBe('/var/lib/fairway')
    expect(stateBase({ FAIRWAY_STATE_DIR: '/elsewhere' })).toBe('/elsewhere')
  })
})

describe('the network', () => {
  test('of a cluster is told from that of another with a longer name', () => {
    const mine = ['fw-fairway', 'fw-fairway-node-1', 'fw-fairway-node-1-0a1b', 'fw-fairway-outside']
    expect(mine.every((name) => isClusterNamespace(layout, name))).toBe(true)
    const others = ['fw-fairway-x', 'fw-fairway-x-node-1', 'fw-fair', 'cni-1234']
    expect(others.some((name) => isClusterNamespace(layout, name))).toBe(false)
  })

  test('lets nothing uncaught out: service and pod ranges end at the switch and on the host, not on the node', () => {
    const ends = ['route add unreachable 10.96.0.0/12', 'route add unreachable 10.244.0.0/16']
    expect(hostBatch(layout, layout.nodes)).toEqual(expect.arrayContaining(ends))
    expect(switchSetup(layout, layout.nodes, true).batch).toEqual(expect.arrayContaining(ends))
    const [node] = layout.nodes
    const batch = node ? nodeSetup(layout, node).batch : []
    expect(batch.filter((line) => line.includes('unreachable'))).toEqual([])
    expect(batch).toContain('route add default via 172.30.0.1')
  })

  test('has an outside host with a way to the nodes and to nothing else', () => {
    expect(outsideSetup(layout).setup.batch).toEqual([
      'link set lo up',
      'addr add 172.30.0.200/24 dev eth0',
      'link set eth0 up',
    ])
  })

  test('has a way out only with egress', () => {
    const way = 'route add default via 172.30.0.2'
    expect(switchSetup(layout, layout.nodes, true).batch).toContain(way)
    expect(switchSetup(layout, layout.nodes, false).batch).not.toContain(way)
  })
})

describe('settings that are not given', () => {
  const stored = { ...defaults, nodes: 3, podCidr: 'fd00:1::/48', nodeCidr: 'fd00:2::/64', egress: false }

  test('are the usual ones of a new cluster; its nodes have the families of its pods', () => {
    expect(completeSettings({ name: 'fairway' })).toEqual(defaults)
    expect(completeSettings({ name: 'ci', podCidr: 'fd00:1::/48' }).nodeCidr).toBe('fd00:172:30::/64')
  })

  test('are as they were of one that is there', () => {
    expect(completeSettings({ name: 'fairway' }, stored)).toEqual(stored)
    expect(completeSettings({ name: 'fairway', nodes: 3 }, stored)).toEqual(stored)
  })

  test('those that differ from what it was made with are named as options', () => {
    const wanted = completeSettings({ name: 'fairway', nodes: 2, podCidr: '10.0.0.0/16', egress: true }, stored)
    expect(differingOptions(wanted, stored)).toEqual(['--nodes', '--pod-cidr', '--no-egress'])
  })
})
