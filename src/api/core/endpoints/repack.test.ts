import { expect, test } from 'vitest'
import type { EndpointSubset } from '../../generated/v1.ts'
import { repackSubsets } from './repack.ts'

const at = (...ips: string[]) => ips.map((ip) => ({ ip }))
const p = (port: number, name?: string) => ({ port, protocol: 'TCP', ...(name && { name }) })

const cases: [string, EndpointSubset[], EndpointSubset[]][] = [
  ['nothing', [], []],
  [
    'addresses and ports are sorted',
    [{ addresses: at('10.0.0.2', '10.0.0.1'), ports: [p(81, 'y'), p(80, 'x')] }],
    [{ addresses: at('10.0.0.1', '10.0.0.2'), ports: [p(80, 'x'), p(81, 'y')] }],
  ],
  [
    'subsets with the same ports are one',
    [
      { addresses: at('10.0.0.2'), ports: [p(80)] },
      { addresses: at('10.0.0.1'), notReadyAddresses: at('10.0.0.3'), ports: [p(80)] },
    ],
    [{ addresses: at('10.0.0.1', '10.0.0.2'), notReadyAddresses: at('10.0.0.3'), ports: [p(80)] }],
  ],
  [
    'subsets with the same addresses are one',
    [
      { addresses: at('10.0.0.1'), ports: [p(81, 'b')] },
      { addresses: at('10.0.0.1'), ports: [p(80, 'a')] },
    ],
    [{ addresses: at('10.0.0.1'), ports: [p(80, 'a'), p(81, 'b')] }],
  ],
  [
    'a port that more addresses offer is a subset of its own',
    [
      { addresses: at('10.0.0.1'), ports: [p(80, 'a')] },
      { addresses: at('10.0.0.2'), ports: [p(80, 'a'), p(81, 'b')] },
    ],
    [
      { addresses: at('10.0.0.1', '10.0.0.2'), ports: [p(80, 'a')] },
      { addresses: at('10.0.0.2'), ports: [p(81, 'b')] },
    ],
  ],
  [
    'an address that is not ready somewhere is not ready there',
    [
      { notReadyAddresses: at('10.0.0.1'), ports: [p(80)] },
      { addresses: at('10.0.0.1', '10.0.0.2'), ports: [p(80)] },
    ],
    [{ addresses: at('10.0.0.2'), notReadyAddresses: at('10.0.0.1'), ports: [p(80)] }],
  ],
  [
    'pods that share an address are two',
    [
      {
        addresses: [
          { ip: '10.0.0.1', targetRef: { uid: 'b' } },
          { ip: '10.0.0.1', targetRef: { uid: 'a' } },
        ],
        ports: [p(80)],
      },
    ],
    [
      {
        addresses: [
          { ip: '10.0.0.1', targetRef: { uid: 'a' } },
          { ip: '10.0.0.1', targetRef: { uid: 'b' } },
        ],
        ports: [p(80)],
      },
    ],
  ],
  ['addresses without ports stay', [{ addresses: at('10.0.0.1') }], [{ addresses: at('10.0.0.1') }]],
]

test.each(cases)('%s', (_name, subsets, expected) => {
  const packed = repackSubsets(subsets)
  expect(packed).toEqual(expected)
  expect(repackSubsets(packed)).toEqual(packed)
})
