import { describe, expect, test } from 'vitest'
import { addressAt, canonical, cidrRange, contains, formatCidr, formatIp, overlaps, parseCidr, parseIp } from './ip.ts'

function cidr(text: string) {
  const parsed = parseCidr(text)
  if (!parsed) throw new Error(`not a CIDR: ${text}`)
  return parsed
}

describe('addresses', () => {
  const canonicalForms: [string, string | undefined][] = [
    ['10.96.0.1', '10.96.0.1'],
    ['010.96.0.1', undefined],
    ['10.96.0', undefined],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['fe80::', 'fe80::'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['fe80::1%eth0', undefined],
    ['web', undefined],
  ]
  test.each(canonicalForms)('%s is spelled %s', (text, expected) => expect(canonical(text)).toBe(expected))
})

describe('CIDRs', () => {
  test('range of a block', () => {
    const { first, last } = cidrRange(cidr('10.96.3.4/12'))
    expect([formatIp(first), formatIp(last)]).toEqual(['10.96.0.0', '10.111.255.255'])
    expect(formatCidr(cidr('fd00:1::5/64'))).toBe('fd00:1::/64')
  })
  test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/08', '/8', 'fd00::/129'])('%s is refused', (text) => {
    expect(parseCidr(text)).toBeUndefined()
  })
  test('membership and overlap', () => {
    const range = cidr('10.96.0.0/12')
    const inside = parseIp('10.111.1.1')
    const other = parseIp('::1')
    expect(inside && contains(range, inside)).toBe(true)
    expect(other && contains(range, other)).toBe(false)
    expect(overlaps(range, cidr('10.0.0.0/8'))).toBe(true)
    expect(overlaps(range, cidr('10.244.0.0/16'))).toBe(false)
    expect(formatIp(addressAt(range, 10))).toBe('10.96.0.10')
  })
})
