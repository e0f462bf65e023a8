/** EndpointSlice: a part of the addresses behind a Service. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { sameValue, startGeneration } from '../common/strategy.ts'
import { warnOfIp } from '../common/warnings.ts'
import { firstFew } from '../core/endpoints/columns.ts'
import type { EndpointSlice } from '../generated/discovery.k8s.io.v1.ts'
import { declareResource } from '../resource.ts'
import { validateEndpointSlice, validateEndpointSliceUpdate } from './validation.ts'

const unset = '<unset>'

function setDefaults(slice: EndpointSlice): void {
  for (const port of slice.ports ?? []) {
    port.name ??= ''
    port.protocol ??= 'TCP'
  }
  // Clients see an empty list as null, whatever was written (the fields have no omitempty).
  Object.assign(slice, { endpoints: orNull(slice.endpoints), ports: orNull(slice.ports) })
}

function orNull<T>(list: readonly T[] | undefined): readonly T[] | null {
  return list?.length ? list : null
}

function prepareForCreate(slice: EndpointSlice): void {
  startGeneration(slice)
  dropTopology(slice)
}

/** The field is only for clients of v1beta1; writes of v1 lose it. */
function dropTopology({ endpoints }: EndpointSlice): void {
  for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology
}

const controllers: ReadonlySet<string> = new Set([
  'endpointslice-controller.k8s.io',
  'endpointslicemirroring-controller.k8s.io',
])

function warnings({ addressType, endpoints, metadata }: EndpointSlice): string[] {
  const ofType = addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []
  // The controllers know how to write an address.
  if (controllers.has(metadata.labels?.['endpointslice.kubernetes.io/managed-by'] ?? '')) return ofType
  const ofAddresses = (endpoints ?? []).flatMap(({ addresses }, i) =>
    addresses.flatMap((address, j) => warnOfIp(`endpoints[${i}].addresses[${j}]`, address)),
  )
  return [...ofType, ...ofAddresses]
}

/** The generation counts what consumers of the slice act on: its addresses and ports, and its labels. */
function prepareForUpdate(next: EndpointSlice, old: EndpointSlice): void {
  dropTopology(next)
  const part = ({ endpoints, ports, metadata }: EndpointSlice) => [endpoints ?? [], ports ?? [], metadata.labels ?? {}]
  const generation = old.metadata.generation ?? 0
  next.metadata.generation = sameValue(part(next), part(old)) ? generation : generation + 1
}

function portsText({ ports }: EndpointSlice): string {
  return firstFew((ports ?? []).map(({ port, name }) => (port === undefined ? name || '*' : String(port)))) || unset
}

function endpointsText({ endpoints }: EndpointSlice): string {
  return firstFew((endpoints ?? []).flatMap(({ addresses }) => addresses)) || unset
}

export const endpointSliceDefinition = declareResource<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  setDefaults,
  prepareForCreate,
  validate: validateEndpointSlice,
  prepareForUpdate,
  warningsOnCreate: warnings,
  warningsOnUpdate: warnings,
  validateUpdate: validateEndpointSliceUpdate,
  allowUnconditionalUpdate: true,
  columns: [
    nameColumn,
    { name: 'AddressType', type: 'string', cell: (slice) => slice.addressType },
    { name: 'Ports', type: 'string', cell: portsText },
    { name: 'Endpoints', type: 'string', cell: endpointsText },
    ageColumn,
  ],
})
