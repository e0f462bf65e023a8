/** EndpointSlice: a part of the addresses behind a Service. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { sameValue, startGeneration } from '../common/strategy.ts'
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

/** The generation counts what consumers of the slice act on: its addresses and ports, and its labels. */
function bumpSliceGeneration(next: EndpointSlice, old: EndpointSlice): void {
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
  prepareForCreate: startGeneration,
  validate: validateEndpointSlice,
  prepareForUpdate: bumpSliceGeneration,
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
