import { describe, expect, test } from 'vitest'
import { formatIp, parseCidr } from '../../lib/ip.ts'
import { addressRange, inRange, pickFree } from './address-range.ts'

function range(text: string) {
  return addressRange(parseCidr(text)!)
}

const text = (value: bigint, family: 4 | 6 = 4) => formatIp({ family, value })

describe('a service range', () => {
  test.each([
    ['10.96.0.0/12', '10.96.0.1', '10.111.255.254', '10.96.1.1'],
    ['10.0.0.0/24', '10.0.0.1', '10.0.0.254', '10.0.0.17'],
    ['10.0.0.0/28', '10.0.0.1', '10.0.0.14', '10.0.0.1'],
  ])('%s gives out from %s to %s, by itself from %s on', (cidr, first, last, dynamicFirst) => {
    const found = range(cidr)
    expect([text(found.first), text(found.last), text(found.dynamicFirst)]).toEqual([first, last, dynamicFirst])
  })

  test('an IPv6 range has no broadcast address and is cut to 64 bits', () => {
    const found = range('fd00::/48')
    expect([text(found.first, 6), text(found.last, 6)]).toEqual(['fd00::1', 'fd00::ffff:ffff:ffff:ffff'])
  })

  test('does not contain its network and broadcast addresses', () => {
    const found = range('10.0.0.0/24')
    expect(['10.0.0.0', '10.0.0.1', '10.0.0.254', '10.0.0.255', '10.0.1.1'].map((ip) => inRange(found, ip))).toEqual([
      false,
      true,
      true,
      false,
      false,
    ])
  })
})

describe('a free address', () => {
  test('comes from the upper band while there is one, then from the lower, then not at all', () => {
    const found = range('10.0.0.0/27')
    const taken = new Set<string>()
    const given: string[] = []
    for (;;) {
      const address = pickFree(found, (ip) => taken.has(ip), 0.99)
      if (!address) break
      taken.add(address)
      given.push(address)
    }
    expect(given).toHaveLength(30)
    expect(new Set(given).size).toBe(30)
    const inUpper = (ip: string) => Number(ip.split('.')[3]) >= 17
    expect(given.slice(0, 14).every(inUpper)).toBe(true)
    expect(given.slice(14).some(inUpper)).toBe(false)
  })
})
