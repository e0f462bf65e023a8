/** What must become of a Service's Endpoints object. Pure. */
import type { EndpointSubset, Endpoints, Pod, Service } from '../../api/generated/v1.ts'
import { sameJson } from './derived.ts'
import { isHeadless } from './pods.ts'
import { sameSubsets, subsetsOf, truncate } from './subsets.ts'
import { triggerTimeAnnotation } from './trigger-time.ts'

export const headlessLabel = 'service.kubernetes.io/headless'
const endpointsManagedByLabel = 'endpoints.kubernetes.io/managed-by'
const managedBy = 'endpoint-controller'
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity'

export interface EndpointsInput {
  readonly service: Service
  /** Pods the Service selects. */
  readonly pods: readonly Pod[]
  readonly current: Endpoints | undefined
  readonly triggerTime: string | undefined
}

export type EndpointsPlan =
  | { readonly type: 'keep' }
  | { readonly type: 'create' | 'update'; readonly object: Endpoints }

export function reconcileEndpoints({ service, pods, current, triggerTime }: EndpointsInput): EndpointsPlan {
  const { subsets, truncated } = truncate(subsetsOf(service, pods))
  const { [headlessLabel]: _, ...ofService } = service.metadata.labels ?? {}
  const labels = {
    ...ofService,
    ...(isHeadless(service) && { [headlessLabel]: '' }),
    [endpointsManagedByLabel]: managedBy,
  }
  if (current && isSame(current, { subsets, labels, truncated })) return { type: 'keep' }
  const { name, namespace } = service.metadata
  const {
    [triggerTimeAnnotation]: _time,
    [overCapacityAnnotation]: _over,
    ...kept
  } = current?.metadata.annotations ?? {}
  const annotations = {
    ...kept,
    ...(triggerTime && { [triggerTimeAnnotation]: triggerTime }),
    ...(truncated && { [overCapacityAnnotation]: 'truncated' }),
  }
  const metadata = current?.metadata ?? { name, ...(namespace && { namespace }) }
  return {
    type: current ? 'update' : 'create',
    object: { metadata: { ...metadata, labels, annotations }, ...(subsets.length > 0 && { subsets }) },
  }
}

/** Whether this controller wrote the object (and may take it away again). */
export function isManaged(endpoints: Endpoints): boolean {
  return endpoints.metadata.labels?.[endpointsManagedByLabel] === managedBy
}

function isSame(
  { metadata, subsets }: Endpoints,
  wanted: { subsets: EndpointSubset[]; labels: Record<string, string>; truncated: boolean },
): boolean {
  const marked = metadata.annotations?.[overCapacityAnnotation] === 'truncated'
  return (
    marked === wanted.truncated &&
    sameJson(metadata.labels ?? {}, wanted.labels) &&
    sameSubsets(subsets ?? [], wanted.subsets)
  )
}
