/** Keeps the Service `default/kubernetes`, its Endpoints and its EndpointSlice: how pods reach the API server. */
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Endpoints } from '../../api/generated/v1.ts'
import { type KubeObject, objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { Resource } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { sameJson } from '../shared/hash.ts'
import { kubernetesEndpoints, kubernetesService, kubernetesSlice, serviceName } from './plan.ts'

export function startKubernetesServiceController(ctx: ControllerContext): void {
  const { informers, settings } = ctx
  const namespaces = informers.of(resources.namespaces)
  const services = informers.of(resources.services)
  const endpoints = informers.of(resources.endpoints)
  const slices = informers.of(resources.endpointSlices)
  const key = `${serviceName.namespace}/${serviceName.name}`

  const reconcile = async () => {
    if (!namespaces.get(serviceName.namespace)) return
    if (!services.get(key)) await createIfAbsent(ctx, resources.services, kubernetesService(settings))
    await keep(ctx, resources.endpoints, endpoints.get(key), kubernetesEndpoints(settings), (a, b) =>
      sameJson(a.subsets, b.subsets),
    )
    await keep(ctx, resources.endpointSlices, slices.get(key), kubernetesSlice(settings), sameSlice)
  }
  const after = [namespaces, services, endpoints, slices]
  const queue = startQueue(ctx, { name: 'kubernetes-service', reconcile, after })
  for (const informer of [services, endpoints, slices]) {
    informer.onChange(({ object }) => {
      if (objectKey(object) === key) queue.add(key)
    })
  }
  namespaces.onChange(({ object }) => {
    if (object.metadata.name === serviceName.namespace) queue.add(key)
  })
  queue.add(key)
}

function sameSlice(a: EndpointSlice, b: EndpointSlice): boolean {
  return sameJson([a.addressType, a.endpoints, a.ports], [b.addressType, b.endpoints, b.ports])
}

/** Creates what is absent; corrects what somebody changed, keeping its labels of others. */
async function keep<T extends Endpoints | EndpointSlice>(
  ctx: ControllerContext,
  resource: Resource<T>,
  existing: T | undefined,
  wanted: T,
  same: (a: T, b: T) => boolean,
): Promise<void> {
  if (!existing) return createIfAbsent(ctx, resource, wanted)
  const labels = { ...existing.metadata.labels, ...wanted.metadata.labels }
  if (same(existing, wanted) && sameJson(labels, existing.metadata.labels)) return
  await ctx.client.update(resource, { ...wanted, metadata: { ...existing.metadata, labels } })
}

/** Somebody else having made it is as good. */
export async function createIfAbsent<T extends KubeObject>(
  { client }: Pick<ControllerContext, 'client'>,
  resource: Resource<T>,
  object: T,
): Promise<void> {
  try {
    await client.create(resource, object)
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error
  }
}
