/**
 * Namespaces: the system's own exist from the start, each has its `default` ServiceAccount, and one that is deleted
 * loses its content (pods first, KEP-5080) and then its finalizer. Waits are ended by the deletion events of what is left.
 */
import type { Namespace, NamespaceCondition } from '../../api/generated/v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { Resource } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { createIfAbsent } from '../kubernetes/index.ts'
import { tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { contentConditions, type Remaining } from './conditions.ts'

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
const finalizer = 'kubernetes'

/** Start it after those who need whole objects: its waits end by metadata alone. */
export function startNamespaceController(ctx: ControllerContext, all: readonly Resource<KubeObject>[]): void {
  const namespaced = all.filter((resource) => resource.namespaced)
  const namespaces = ctx.informers.of(resources.namespaces)
  const deletion = startQueue(ctx, {
    name: 'namespace',
    concurrency: 4,
    after: [namespaces],
    reconcile: (name) => finish(ctx, namespaced, namespaces.get(name)),
  })
  namespaces.onChange(({ type, object }) => {
    if (type !== 'deleted' && object.metadata.deletionTimestamp) deletion.add(object.metadata.name)
  })
  for (const resource of namespaced) {
    if (resource === resources.events) continue
    ctx.informers.metadataOf(resource).onChange(({ type, object }) => {
      const name = object.metadata.namespace ?? ''
      if (type === 'deleted' && namespaces.get(name)?.metadata.deletionTimestamp) deletion.add(name)
    })
  }
}

export function startSystemNamespaces(ctx: ControllerContext): void {
  const namespaces = ctx.informers.of(resources.namespaces)
  const queue = startQueue(ctx, {
    name: 'system-namespaces',
    concurrency: systemNamespaces.length,
    after: [namespaces],
    reconcile: async (name) => {
      if (!namespaces.get(name)) await createIfAbsent(ctx, resources.namespaces, { metadata: { name } })
    },
  })
  namespaces.onChange(({ type, object }) => {
    if (type === 'deleted' && systemNamespaces.includes(object.metadata.name)) queue.add(object.metadata.name)
  })
  for (const name of systemNamespaces) queue.add(name)
}

export function startServiceAccountController(ctx: ControllerContext): void {
  const namespaces = ctx.informers.of(resources.namespaces)
  const accounts = ctx.informers.of(resources.serviceAccounts)
  const queue = startQueue(ctx, {
    name: 'default-serviceaccount',
    concurrency: 4,
    after: [namespaces, accounts],
    reconcile: async (namespace) => {
      const found = namespaces.get(namespace)
      if (!found || found.metadata.deletionTimestamp || accounts.get(`${namespace}/default`)) return
      await createIfAbsent(ctx, resources.serviceAccounts, { metadata: { name: 'default', namespace } })
    },
  })
  namespaces.onChange(({ type, object }) => {
    if (type === 'added') queue.add(object.metadata.name)
  })
  accounts.onChange(({ type, object }) => {
    if (type === 'deleted' && object.metadata.name === 'default') queue.add(object.metadata.namespace ?? '')
  })
}

/** One pass over a terminating namespace: delete what is there, then either finalize or say what is waited for. */
async function finish(
  ctx: ControllerContext,
  namespaced: readonly Resource<KubeObject>[],
  namespace: Namespace | undefined,
): Promise<void> {
  if (!namespace?.metadata.deletionTimestamp) return
  const finalizers = namespace.spec?.finalizers ?? []
  if (!finalizers.includes(finalizer)) return
  const { name } = namespace.metadata
  const others = namespaced.filter((resource) => resource !== resources.pods)
  let remaining = await deleteContent(ctx, [resources.pods], name)
  if (remaining.length === 0) remaining = await deleteContent(ctx, others, name)
  if (remaining.length > 0) return report(ctx, namespace, remaining)
  const spec = { finalizers: finalizers.filter((f) => f !== finalizer) }
  const body = { ...namespace, apiVersion: 'v1', kind: 'Namespace', spec }
  await tolerateGone(ctx.client.request('PUT', `/api/v1/namespaces/${encodeURIComponent(name)}/finalize`, body))
}

/** Deletes every object of these resources; what is still there afterwards comes back, grouped. */
async function deleteContent(
  { client }: ControllerContext,
  list: readonly Resource<KubeObject>[],
  namespace: string,
): Promise<Remaining[]> {
  const groups = await Promise.all(
    list.map(async (resource) => {
      const { items } = await client.list(resource, { namespace })
      const doomed = items.filter(({ metadata }) => !metadata.deletionTimestamp)
      await Promise.all(
        doomed.map(({ metadata }) =>
          tolerateGone(client.delete(resource, metadata, { propagationPolicy: 'Background' })),
        ),
      )
      // Without finalizers and grace a delete is final; for the rest, and for what came meanwhile, ask again.
      const left = items.length > 0 ? (await client.list(resource, { namespace })).items : []
      return { resource, count: left.length, finalizers: left.flatMap(({ metadata }) => metadata.finalizers ?? []) }
    }),
  )
  return groups.filter(({ count }) => count > 0)
}

async function report(ctx: ControllerContext, namespace: Namespace, remaining: readonly Remaining[]): Promise<void> {
  const before = namespace.status?.conditions ?? []
  const conditions = contentConditions(remaining).map((next): NamespaceCondition => {
    const old = before.find((c) => c.type === next.type)
    const lastTransitionTime = (old?.status === next.status && old.lastTransitionTime) || formatTime(ctx.clock.now())
    return { ...next, lastTransitionTime }
  })
  const status = { ...namespace.status, phase: 'Terminating', conditions }
  if (sameJson(namespace.status, status)) return
  await ctx.client.updateStatus(resources.namespaces, { ...namespace, status })
}
