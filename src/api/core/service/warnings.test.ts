import { expect, test } from 'vitest'
import type { ServiceSpec } from '../../generated/v1.ts'
import { serviceWarnings } from './warnings.ts'

const headless: ServiceSpec = { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] }
const deprecated = 'spec.externalIPs is deprecated'

test.each<[string, ServiceSpec, string[]]>([
  ['nothing', { type: 'ClusterIP', externalName: '' }, []],
  ['external IPs', { externalIPs: ['192.0.2.1'] }, [deprecated]],
  [
    'what headless Services ignore',
    { ...headless, loadBalancerIP: '192.0.2.1', externalIPs: ['192.0.2.1'], sessionAffinity: 'ClientIP' },
    [
      'spec.loadBalancerIP is ignored for headless services',
      'spec.externalIPs is ignored for headless services',
      'spec.SessionAffinity is ignored for headless services',
      deprecated,
    ],
  ],
  [
    'external IPs of an ExternalName',
    { type: 'ExternalName', externalName: 'a.b', externalIPs: ['192.0.2.1'] },
    [deprecated, 'spec.externalIPs is ignored when spec.type is "ExternalName"'],
  ],
  [
    'a name without use',
    { externalName: 'a.b' },
    ['spec.externalName is ignored when spec.type is not "ExternalName"'],
  ],
  [
    'PreferClose',
    { trafficDistribution: 'PreferClose' },
    ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
  ],
  [
    'spellings',
    { loadBalancerIP: 'FD00::1', clusterIPs: ['fd00:0::2'] },
    [
      'spec.clusterIPs[0]: IPv6 address "fd00:0::2" should be in RFC 5952 canonical format ("fd00::2")',
      'spec.loadBalancerIP: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
    ],
  ],
  [
    'spellings of source ranges',
    { loadBalancerSourceRanges: ['FD00::/64', 'fd00:1::/64', '10.0.0.0/8'] },
    [
      'spec.loadBalancerSourceRanges[0]: IPv6 CIDR value "FD00::/64" should be in RFC 5952 canonical format ("fd00::/64")',
    ],
  ],
])('a Service is warned of %s', (_name, spec, expected) => {
  expect(serviceWarnings({ metadata: { name: 'web' }, spec })).toEqual(expected)
})
