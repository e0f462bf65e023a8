import { expect, test } from 'vitest'
import { definitionOf } from '../../common/testing.ts'

test('spellings of addresses are warned of, but not those of the controller', () => {
  const subsets = [{ addresses: [{ ip: 'fd00::1' }, { ip: 'FD00::2' }], notReadyAddresses: [{ ip: 'fd00:0::3' }] }]
  const labels = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }
  const { warningsOnCreate: warnings } = definitionOf('Endpoints')
  const byHand = { metadata: { name: 'web' }, subsets }
  expect(warnings?.(byHand)).toEqual([
    'subsets[0].addresses[1].ip: IPv6 address "FD00::2" should be in RFC 5952 canonical format ("fd00::2")',
    'subsets[0].notReadyAddresses[0].ip: IPv6 address "fd00:0::3" should be in RFC 5952 canonical format ("fd00::3")',
  ])
  expect(warnings?.({ ...byHand, metadata: { name: 'web', labels } })).toEqual([])
})
