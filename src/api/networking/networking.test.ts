import { describe, expect, test } from 'vitest'
import { create, row, update } from '../common/testing.ts'
import type { IPAddress, ServiceCIDR } from '../generated/networking.k8s.io.v1.ts'
import { serviceIPAddress, serviceOf } from './ipaddress.ts'
import { isReadyServiceCidr } from './servicecidr.ts'
import { isCanonicalCidr, isCanonicalIp, isPathSegment } from './validation.ts'

const creationTimestamp = '2026-11-21T00:00:00Z'
const now = new Date('2026-11-21T00:33:00Z')
const cidr = (...cidrs: string[]): ServiceCIDR => ({ metadata: { name: 'more', creationTimestamp }, spec: { cidrs } })
const service = { metadata: { namespace: 'demo', name: 'web' } }

describe('canonical spellings', () => {
  test.each([
    ['10.96.0.1', []],
    ['fd00::1', []],
    ['web', ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['010.96.0.1', ['must not have leading 0s']],
    ['::ffff:10.0.0.1', ['must not be an IPv4-mapped IPv6 address']],
    ['FD00::1', ['must be in canonical form ("fd00::1")']],
    ['fd00:0::1', ['must be in canonical form ("fd00::1")']],
  ])('address %s', (text, expected) => expect(isCanonicalIp(text)).toEqual(expected))

  test.each([
    ['10.96.0.0/12', []],
    ['fd00::/112', []],
    ['10.96.0.0', ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
    ['10.96.0.0/33', ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
    ['10.96.0.0/012', ['must not have leading 0s in IP or prefix length']],
    ['::ffff:10.0.0.0/104', ['must not have an IPv4-mapped IPv6 address']],
    ['10.96.0.1/24', ['must not have bits set beyond the prefix length']],
    ['FD00::/112', ['must be in canonical form ("fd00::/112")']],
  ])('block %s', (text, expected) => expect(isCanonicalCidr(text)).toEqual(expected))

  test.each([
    ['web', []],
    ['..', ["may not be '..'"]],
    ['a/b%', ["may not contain '/'", "may not contain '%'"]],
  ])('path segment %s', (text, expected) => expect(isPathSegment(text)).toEqual(expected))
})

describe('ServiceCIDR', () => {
  test.each<[string[], string[]]>([
    [['10.96.0.0/12'], []],
    [['10.96.0.0/12', 'fd00::/112'], []],
    [[], ['spec.cidrs: Required value: at least one CIDR required']],
    [
      ['10.0.0.0/8', 'fd00::/64', '11.0.0.0/8'],
      ['spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/8","fd00::/64","11.0.0.0/8"]}: may only hold up to 2 values'],
    ],
    [
      ['10.0.0.0/8', '11.0.0.0/8'],
      [
        'spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/8","11.0.0.0/8"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
      ],
    ],
    [['10.0.0.1/8'], ['spec.cidrs[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length']],
  ])('%j', (cidrs, errors) => expect(create('ServiceCIDR', cidr(...cidrs)).errors).toEqual(errors))

  test.each<[string[], string[], string[]]>([
    [['10.0.0.0/8'], ['10.0.0.0/8'], []],
    [['10.0.0.0/8'], ['10.0.0.0/8', 'fd00::/64'], []],
    [['10.0.0.0/8'], ['11.0.0.0/8'], ['spec.cidrs[0]: Invalid value: "11.0.0.0/8": field is immutable']],
    [['10.0.0.0/8', 'fd00::/64'], ['10.0.0.0/8'], ['spec.cidrs: Invalid value: ["10.0.0.0/8"]: field is immutable']],
  ])('%j may become %j', (before, after, errors) => {
    expect(update(cidr(...before), cidr(...after), { kind: 'ServiceCIDR' }).errors).toEqual(errors)
  })

  test('has its status from its subresource alone', () => {
    const conditions = [{ type: 'Ready', status: 'False', reason: 'x', message: '', lastTransitionTime: '' }]
    const wanted = { ...cidr('10.0.0.0/8'), status: { conditions } }
    const { object } = create('ServiceCIDR', wanted)
    expect(object).not.toHaveProperty('status')
    expect(isReadyServiceCidr(object)).toBe(true)
    expect(update(object, wanted, { kind: 'ServiceCIDR' }).object).not.toHaveProperty('status')
    const written = update(object, { ...wanted, spec: {} }, { kind: 'ServiceCIDR', subresource: 'status' }).object
    expect(written).toEqual(wanted)
    expect(isReadyServiceCidr(written)).toBe(false)
  })

  test('is shown with its ranges', () => {
    const cells = Object.values(row('ServiceCIDR', cidr('10.96.0.0/12', 'fd00::/112'), now))
    expect(cells).toEqual(['more', '10.96.0.0/12,fd00::/112', '33m'])
  })
})

describe('IPAddress', () => {
  const address = serviceIPAddress('10.96.100.1', service)

  test('is shown with what holds it', () => {
    expect(Object.values(row('IPAddress', address, now))).toEqual(['10.96.100.1', 'services/demo/web'])
    const parentRef = { group: 'gateway.networking.k8s.io', resource: 'gateways', name: 'g' }
    expect(row('IPAddress', { ...address, spec: { parentRef } } as IPAddress, now)['ParentRef']).toBe(
      'gateways.gateway.networking.k8s.io/g',
    )
    expect([serviceOf(address), serviceOf({ ...address, spec: { parentRef } })]).toEqual(['demo/web', undefined])
  })

  test.each<[object, string[]]>([
    [address.spec, []],
    [{}, ['spec.parentRef: Required value']],
    [
      { parentRef: { group: 'A B' } },
      [
        expect.stringMatching(/^spec\.parentRef\.group: Invalid value: "A B"/),
        'spec.parentRef.resource: Required value',
        'spec.parentRef.name: Required value',
      ],
    ],
    [
      { parentRef: { resource: 'a/b', name: '..', namespace: 'x%' } },
      [
        'spec.parentRef.resource: Invalid value: "a/b": may not contain \'/\'',
        'spec.parentRef.name: Invalid value: "..": may not be \'..\'',
        'spec.parentRef.namespace: Invalid value: "x%": may not contain \'%\'',
      ],
    ],
  ])('%j', (spec, errors) => {
    expect(create('IPAddress', { ...address, spec } as IPAddress).errors).toEqual(errors)
  })

  test('keeps its holder', () => {
    const next = serviceIPAddress('10.96.100.1', { metadata: { namespace: 'demo', name: 'other' } })
    expect(update(address, next, { kind: 'IPAddress' }).errors).toEqual([
      'spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"demo","Name":"other"}: field is immutable',
    ])
    const { group: _, ...parentRef } = address.spec.parentRef
    expect(update(address, { ...address, spec: { parentRef } }, { kind: 'IPAddress' }).errors).toEqual([])
  })
})
