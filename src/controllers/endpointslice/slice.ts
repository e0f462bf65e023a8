/** EndpointSlice objects of a Service: metadata, empty ones. Pure. */
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Service } from '../../api/generated/v1.ts'
import type { Index } from '../context.ts'
import { sameJson } from '../endpoints/derived.ts'
import type { AddressFamily } from '../endpoints/pods.ts'
import { isHeadless } from '../endpoints/pods.ts'
import { headlessLabel } from '../endpoints/reconcile.ts'

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const controllerName = 'endpointslice-controller.k8s.io'

/** generateName is a prefix of a DNS-1123 subdomain; longer names are used as they are. */
const prefixLengthMax = 253 - 5

export function labelsOf(service: Service): Record<string, string> {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {}
  return {
    ...labels,
    ...(isHeadless(service) && { [headlessLabel]: '' }),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: controllerName,
  }
}

export function hasLabels({ metadata }: EndpointSlice, labels: Readonly<Record<string, string>>): boolean {
  return sameJson(metadata.labels ?? {}, labels)
}

export function newSlice(
  service: Service,
  { family, ports }: { family: AddressFamily; ports: EndpointPort[] },
): EndpointSlice {
  const { name, namespace, uid = '' } = service.metadata
  return {
    addressType: family,
    metadata: {
      name: '',
      generateName: generateNameOf(name),
      ...(namespace && { namespace }),
      labels: labelsOf(service),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    ports,
    endpoints: [],
  }
}

export function generateNameOf(name: string): string {
  const prefix = `${name}-`
  return prefix.length > prefixLengthMax ? name : prefix
}

/** The Service a slice says it belongs to. */
export function serviceKeys({ metadata }: EndpointSlice): string[] {
  const name = metadata.labels?.[serviceNameLabel]
  return name ? [`${metadata.namespace}/${name}`] : []
}

export const slicesByService: Index<EndpointSlice> = { name: 'service', keys: serviceKeys }

/** By the owner reference; a slice of an earlier Service of the same name is not. */
export function isOwnedBy({ metadata }: EndpointSlice, service: Service): boolean {
  return metadata.ownerReferences?.some((ref) => ref.controller && ref.uid === service.metadata.uid) ?? false
}

export function isManagedSlice({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[managedByLabel] === controllerName
}

export function endpointsIn(slice: EndpointSlice): Endpoint[] {
  return slice.endpoints ?? []
}

/** As Kubernetes stores it: an empty list is null. */
export function forWriting(slice: EndpointSlice): EndpointSlice {
  const orNull = <T>(list: T[] | undefined) => (list?.length ? list : (null as unknown as T[]))
  return { ...slice, endpoints: orNull(slice.endpoints), ports: orNull(slice.ports) }
}
