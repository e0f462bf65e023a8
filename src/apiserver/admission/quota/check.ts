/** Whether quotas have room for what an object adds. Pure. */

import { isInScope } from '../../../api/core/resourcequota/scopes.ts'
import { formatAmount, type Usage, usageOf } from '../../../api/core/resourcequota/usage.ts'
import type { Container, Pod, ResourceQuota } from '../../../api/generated/v1.ts'
import type { KubeObject } from '../../../api/machinery/object.ts'
import { parseQuantity } from '../../../api/machinery/quantity.ts'

/** Resources that each container must speak of where a quota limits them. */
const spoken = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']

export interface Added {
  readonly resource: string
  readonly object: KubeObject
  /** What it counts for beyond what it did before. */
  readonly usage: Usage
}

/** Undefined: the write takes nothing from any quota. */
export function addition(resource: string, next: KubeObject, old: KubeObject | undefined): Added | undefined {
  const before: Usage = old ? usageOf(resource, old) : new Map()
  const usage: Usage = new Map()
  for (const [name, amount] of usageOf(resource, next)) {
    const more = amount - (before.get(name) ?? 0n)
    if (more > 0n) usage.set(name, more)
  }
  return usage.size > 0 ? { resource, object: next, usage } : undefined
}

/** Names of the quota that the addition counts for; none: the quota is about something else. */
export function concerned(quota: ResourceQuota, { resource, object, usage }: Added): string[] {
  if (!isInScope(quota, resource, object)) return []
  const ofPod = resource === 'pods' ? spoken : []
  const hard = Object.keys(quota.status?.hard ?? quota.spec?.hard ?? {})
  return hard.filter((name) => usage.has(name) || ofPod.includes(name)).sort()
}

/** Why the quota cannot take it; undefined: it can. */
export function refusal(quota: ResourceQuota, added: Added): string | undefined {
  const names = concerned(quota, added)
  const { name } = quota.metadata
  const missing = added.resource === 'pods' ? unspoken(added.object, names) : undefined
  if (missing) return `failed quota: ${name}: must specify ${missing}`
  const { hard = {}, used = {} } = quota.status ?? {}
  const unknown = names.filter((one) => used[one] === undefined)
  if (unknown.length > 0) return `status unknown for quota: ${name}, resources: ${unknown.join(',')}`
  const exceeded = names.filter((one) => {
    const more = added.usage.get(one) ?? 0n
    return more > 0n && parseQuantity(used[one] ?? '0').nano + more > parseQuantity(hard[one] ?? '0').nano
  })
  if (exceeded.length === 0) return undefined
  const list = (valueOf: (one: string) => string) => exceeded.map((one) => `${one}=${valueOf(one)}`).join(',')
  const requested = list((one) => formatAmount(added.usage.get(one) ?? 0n, hard[one]))
  return `exceeded quota: ${name}, requested: ${requested}, used: ${list((one) => used[one] ?? '0')}, limited: ${list((one) => hard[one] ?? '0')}`
}

/** The quota's `used` with the addition. */
export function usedWith(quota: ResourceQuota, added: Added): Record<string, string> {
  const { hard = {}, used = {} } = quota.status ?? {}
  const next = { ...used }
  for (const name of concerned(quota, added)) {
    const more = added.usage.get(name)
    if (more !== undefined) next[name] = formatAmount(parseQuantity(used[name] ?? '0').nano + more, hard[name])
  }
  return next
}

/** `limits.cpu for: a,b; limits.memory for: a`. */
function unspoken({ spec }: Pod, names: readonly string[]): string | undefined {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  const missing = names
    .filter((name) => spoken.includes(name))
    .flatMap((name) => {
      const silent = containers.filter((container) => !speaksOf(container, name)).map((container) => container.name)
      return silent.length > 0 ? [`${name} for: ${silent.sort().join(',')}`] : []
    })
  return missing.length > 0 ? missing.join('; ') : undefined
}

function speaksOf({ resources = {} }: Container, name: string): boolean {
  const [list, resource] = name.includes('.') ? name.split('.') : ['requests', name]
  return resources[list as 'requests' | 'limits']?.[resource ?? ''] !== undefined
}
