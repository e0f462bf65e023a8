/** ResourceQuota controller: counts what each quota is about, when it may have changed. */
import { isPodTerminal } from '../../api/core/pod/conditions.ts'
import { isInScope } from '../../api/core/resourcequota/scopes.ts'
import { formatAmount, type Usage, usageOf } from '../../api/core/resourcequota/usage.ts'
import type { ResourceQuota, ResourceQuotaStatus } from '../../api/generated/v1.ts'
import { type KubeObject, objectKey } from '../../api/machinery/object.ts'
import type { CacheChange, Resource } from '../../client/contract.ts'
import type { Informer } from '../../client/informer.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'

/** What is gone makes room soon; what came was charged by the API server, and is counted when things are calm. */
const goneMs = 50
const calmMs = 2000

interface Source {
  /** As quotas name it. */
  readonly name: string
  readonly informer: Informer<KubeObject>
}

/** Start it after those who need whole objects: most kinds are counted by their metadata alone. */
export function startResourceQuotaController(ctx: ControllerContext, all: readonly Resource<KubeObject>[]): void {
  const { client, informers } = ctx
  const quotas = informers.of(resources.resourceQuotas)
  const whole: readonly Resource<KubeObject>[] = [
    resources.pods,
    resources.services,
    resources.persistentVolumeClaims,
    resources.resourceQuotas,
  ]
  const sources: readonly Source[] = all
    .filter((resource) => resource.namespaced && resource !== resources.events)
    .map((resource) => ({
      name: resource.group ? `${resource.plural}.${resource.group}` : resource.plural,
      informer: whole.includes(resource) ? informers.of(resource) : informers.metadataOf(resource),
    }))

  const queue = startQueue(ctx, {
    name: 'resourcequota',
    concurrency: 4,
    after: [quotas, ...sources.map(({ informer }) => informer)],
    async reconcile(key) {
      const quota = quotas.get(key)
      if (!quota) return
      const status = quotaStatus(quota, sources)
      if (sameJson(quota.status, status)) return
      await tolerateGone(client.updateStatus(resources.resourceQuotas, { ...quota, status }))
    },
  })
  quotas.onChange((change) => {
    const { type, object } = change
    const specChanged = type === 'added' || (type === 'updated' && !sameJson(change.old.spec, object.spec))
    queue.addAfter(objectKey(object), specChanged ? 0 : calmMs)
  })
  for (const { name, informer } of sources) {
    informer.onChange((change) => {
      for (const quota of quotas.list(change.object.metadata.namespace)) {
        queue.addAfter(objectKey(quota), makesRoom(name, change) ? goneMs : calmMs)
      }
    })
  }
}

function makesRoom(name: string, change: CacheChange<KubeObject>): boolean {
  if (change.type === 'deleted') return true
  if (change.type !== 'updated') return false
  if (name === 'services') return true
  return name === 'pods' && isPodTerminal(change.object) && !isPodTerminal(change.old)
}

function quotaStatus(quota: ResourceQuota, sources: readonly Source[]): ResourceQuotaStatus {
  const hard = quota.spec?.hard ?? {}
  const total: Usage = new Map(Object.keys(hard).map((name) => [name, 0n]))
  for (const { name, informer } of sources) {
    for (const object of informer.list(quota.metadata.namespace)) {
      if (!isInScope(quota, name, object)) continue
      for (const [one, amount] of usageOf(name, object)) {
        const before = total.get(one)
        if (before !== undefined) total.set(one, before + amount)
      }
    }
  }
  const used = Object.fromEntries([...total].map(([name, amount]) => [name, formatAmount(amount, hard[name])]))
  return { ...(Object.keys(hard).length > 0 && { hard, used }) }
}
