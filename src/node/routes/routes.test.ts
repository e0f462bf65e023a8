import { describe, expect, test } from 'vitest'
import type { Node } from '../../api/generated/v1.ts'
import { podRoutes, routeBatch } from './routes.ts'

const node = (name: string, ips: string[], podCIDRs?: string[]): Node => ({
  metadata: { name },
  spec: podCIDRs ? { podCIDR: podCIDRs[0] ?? '', podCIDRs } : {},
  status: {
    addresses: [...ips.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: name }],
  },
})

describe('routes to pods', () => {
  const nodes = [
    node('node-1', ['172.30.0.11', 'fd00:30::b'], ['10.244.1.0/24', 'fd00:244:0:1::/64']),
    node('node-2', ['172.30.0.12', 'fd00:30::c'], ['10.244.0.0/24', 'fd00:244::/64']),
    node('new', ['172.30.0.13']),
  ]

  test('go to the node that has the range, in its own family; nobody has one to itself', () => {
    expect([...podRoutes(nodes, 'node-1')]).toEqual([
      ['10.244.0.0/24', '172.30.0.12'],
      ['fd00:244::/64', 'fd00:30::c'],
    ])
    expect([...podRoutes(nodes).keys()]).toEqual([
      '10.244.1.0/24',
      'fd00:244:0:1::/64',
      '10.244.0.0/24',
      'fd00:244::/64',
    ])
  })

  test('a range whose node has no address of its family has no route', () => {
    expect([...podRoutes([node('odd', ['172.30.0.9'], ['fd00:244::/64'])])]).toEqual([])
  })

  test('only differences are programmed', () => {
    const wanted = new Map([
      ['10.244.0.0/24', '172.30.0.12'],
      ['10.244.1.0/24', '172.30.0.11'],
      ['10.244.2.0/24', '172.30.0.14'],
    ])
    const found = new Map([
      ['10.244.0.0/24', '172.30.0.12'],
      ['10.244.2.0/24', '172.30.0.13'],
      ['10.244.9.0/24', '172.30.0.19'],
    ])
    expect(routeBatch(found, wanted)).toEqual([
      'route del 10.244.9.0/24 proto 102',
      'route replace 10.244.1.0/24 via 172.30.0.11 proto 102',
      'route replace 10.244.2.0/24 via 172.30.0.14 proto 102',
    ])
    expect(routeBatch(wanted, wanted)).toEqual([])
  })
})
