import { describe, expect, test } from 'vitest'
import { create, definitionOf, update } from '../common/testing.ts'
import type { EndpointSlice } from '../generated/discovery.k8s.io.v1.ts'

const slice = (addressType: string, addresses: string[], labels?: Record<string, string>): EndpointSlice => ({
  metadata: { name: 'web', ...(labels && { labels }) },
  addressType,
  endpoints: [{ addresses }],
  ports: [],
})

test('deprecatedTopology is no field of v1', () => {
  const old = create('EndpointSlice', slice('IPv4', ['10.0.0.1'])).object
  const manifest = { ...old, endpoints: [{ addresses: ['10.0.0.1'], deprecatedTopology: { a: 'b' } }] }
  expect(create('EndpointSlice', manifest).object.endpoints).toEqual(old.endpoints)
  const { object } = update(old, manifest, { kind: 'EndpointSlice' })
  expect([object.endpoints, object.metadata.generation]).toEqual([old.endpoints, 1])
})

describe('warnings', () => {
  const managed = { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }
  test.each<[string, EndpointSlice, string[]]>([
    ['a good address', slice('IPv6', ['fd00::1']), []],
    [
      'a spelling',
      slice('IPv6', ['fd00::1', 'FD00::2']),
      ['endpoints[0].addresses[1]: IPv6 address "FD00::2" should be in RFC 5952 canonical format ("fd00::2")'],
    ],
    ['a spelling by a controller', slice('IPv6', ['FD00::2'], managed), []],
    ['names', slice('FQDN', ['a.example.org']), ['spec.addressType: FQDN endpoints are deprecated']],
  ])('%s', (_name, object, expected) => {
    const { warningsOnCreate, warningsOnUpdate } = definitionOf('EndpointSlice')
    expect(warningsOnCreate?.(object)).toEqual(expected)
    expect(warningsOnUpdate?.(object, object)).toEqual(expected)
  })
})
