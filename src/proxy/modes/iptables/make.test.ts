import { expect, test } from 'vitest'
import { loadConfig } from '../../config/config.ts'
import type { Family } from '../../plan/types.ts'
import { parseCounters } from './kernel.ts'
import { detectorOf } from './make.ts'

const both = 'clusterCIDR: 10.244.0.0/16,fd00:244::/56'
const podCidrs = ['fd00:244:0:1::/64', '10.244.3.0/24']

const cases: { config: string; family: Family; local: string | undefined }[] = [
  { config: both, family: 4, local: '-s 10.244.0.0/16' },
  { config: both, family: 6, local: '-s fd00:244::/56' },
  { config: 'clusterCIDR: 10.244.0.0/16', family: 6, local: undefined },
  { config: 'clusterCIDR: ""', family: 4, local: undefined },
  { config: 'detectLocalMode: NodeCIDR', family: 4, local: '-s 10.244.3.0/24' },
  { config: 'detectLocalMode: NodeCIDR', family: 6, local: '-s fd00:244:0:1::/64' },
  {
    config: 'detectLocalMode: BridgeInterface\ndetectLocal: { bridgeInterface: cni0 }',
    family: 6,
    local: '-i cni0',
  },
  {
    config: 'detectLocalMode: InterfaceNamePrefix\ndetectLocal: { interfaceNamePrefix: veth }',
    family: 4,
    local: '-i veth+',
  },
]

test.each(cases)('traffic of pods, IPv$family, $config', async ({ config: text, family, local }) => {
  const header = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n'
  const config = await loadConfig(header + text)
  const detector = detectorOf({ family, config, podCidrs })
  expect(detector).toEqual(local === undefined ? undefined : { local, notLocal: `! ${local}` })
})

test('what nfacct prints is read', () => {
  const listing = `{ pkts = 00000000000000000012, bytes = 00000000000000000720 } = localhost_nps_accepted_pkts;
{ pkts = 00000000000000000000, bytes = 00000000000000000000 } = ct_state_invalid_dropped_pkts;
`
  expect([...parseCounters(listing)]).toEqual([
    ['localhost_nps_accepted_pkts', 12],
    ['ct_state_invalid_dropped_pkts', 0],
  ])
})
