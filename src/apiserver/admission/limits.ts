/** What LimitRanges make of pods and claims: defaults, and reasons to refuse. Pure, but that it fills in a pod. */

import { formatAmount, type Usage } from '../../api/core/resourcequota/usage.ts'
import type { Container, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../api/generated/v1.ts'
import { compareQuantities, parseQuantity } from '../../api/machinery/quantity.ts'

const annotation = 'kubernetes.io/limit-ranger'

/** Containers get the amounts they do not speak of; the pod's annotation says which. */
export function applyDefaults(pod: Pod, items: readonly LimitRangeItem[]): void {
  const notes: string[] = []
  const { containers = [], initContainers = [] } = pod.spec ?? {}
  for (const item of items.filter(({ type }) => type === 'Container')) {
    for (const container of containers) notes.push(...fill(container, item, 'container'))
    for (const container of initContainers) notes.push(...fill(container, item, 'init container'))
  }
  if (notes.length === 0) return
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${notes.join('; ')}`,
  }
}

function fill(container: Container, item: LimitRangeItem, what: string): string[] {
  const resources = (container.resources ??= {})
  const requested = fillList((resources.requests ??= {}), item.defaultRequest)
  const limited = fillList((resources.limits ??= {}), item.default)
  if (Object.keys(resources.requests).length === 0) delete resources.requests
  if (Object.keys(resources.limits).length === 0) delete resources.limits
  const note = (names: string[], kind: string) =>
    names.length > 0 ? [`${names.join(', ')} ${kind} for ${what} ${container.name}`] : []
  return [...note(requested, 'request'), ...note(limited, 'limit')]
}

function fillList(list: Record<string, string>, defaults: Readonly<Record<string, string>> = {}): string[] {
  const names = Object.keys(defaults).filter((name) => list[name] === undefined)
  for (const name of names) list[name] = defaults[name] ?? '0'
  return names.sort()
}

interface Amounts {
  readonly requests: Readonly<Record<string, string>>
  readonly limits: Readonly<Record<string, string>>
}

/** Why the pod must not be; one message for each bound it breaks. */
export function podProblems(pod: Pod, items: readonly LimitRangeItem[]): string[] {
  const { containers = [], initContainers = [] } = pod.spec ?? {}
  return items.flatMap((item) => {
    if (item.type === 'Pod') return boundProblems(item, wholePod(pod))
    if (item.type !== 'Container') return []
    return [...containers, ...initContainers].flatMap(({ resources }) =>
      boundProblems(item, { requests: resources?.requests ?? {}, limits: resources?.limits ?? {} }),
    )
  })
}

export function claimProblems({ spec }: PersistentVolumeClaim, items: readonly LimitRangeItem[]): string[] {
  const requests = spec?.resources?.requests ?? {}
  return items
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap(({ min, max, type }) => [
      ...Object.entries(min ?? {}).flatMap(([name, bound]) =>
        minProblem({ name, bound, type }, requests[name], undefined),
      ),
      ...Object.entries(max ?? {}).flatMap(([name, bound]) => {
        const request = requests[name]
        const above = request !== undefined && compareQuantities(request, bound) > 0
        return above ? [`maximum ${name} usage per ${type} is ${bound}, but request is ${request}`] : []
      }),
    ])
}

function boundProblems(item: LimitRangeItem, { requests, limits }: Amounts): string[] {
  const { type, min, max, maxLimitRequestRatio } = item
  return [
    ...Object.entries(min ?? {}).flatMap(([name, bound]) =>
      minProblem({ name, bound, type }, requests[name], limits[name]),
    ),
    ...Object.entries(max ?? {}).flatMap(([name, bound]) =>
      maxProblem({ name, bound, type }, requests[name], limits[name]),
    ),
    ...Object.entries(maxLimitRequestRatio ?? {}).flatMap(([name, bound]) =>
      ratioProblem({ name, bound, type }, requests[name], limits[name]),
    ),
  ]
}

interface Bound {
  readonly name: string
  readonly bound: string
  readonly type: string
}

function minProblem({ name, bound, type }: Bound, request: string | undefined, limit: string | undefined): string[] {
  const rule = `minimum ${name} usage per ${type} is ${bound}`
  if (request === undefined) return [`${rule}.  No request is specified`]
  if (compareQuantities(request, bound) < 0) return [`${rule}, but request is ${request}`]
  return limit !== undefined && compareQuantities(limit, bound) < 0 ? [`${rule}, but limit is ${limit}`] : []
}

function maxProblem({ name, bound, type }: Bound, request: string | undefined, limit: string | undefined): string[] {
  const rule = `maximum ${name} usage per ${type} is ${bound}`
  if (limit === undefined) return [`${rule}.  No limit is specified`]
  if (compareQuantities(limit, bound) > 0) return [`${rule}, but limit is ${limit}`]
  return request !== undefined && compareQuantities(request, bound) > 0 ? [`${rule}, but request is ${request}`] : []
}

function ratioProblem({ name, bound, type }: Bound, request: string | undefined, limit: string | undefined): string[] {
  const rule = `${name} max limit to request ratio per ${type} is ${bound}`
  const asked = request === undefined ? 0n : parseQuantity(request).nano
  const limited = limit === undefined ? 0n : parseQuantity(limit).nano
  if (asked === 0n) return [`${rule}, but no request is specified or request is 0`]
  if (limited === 0n) return [`${rule}, but no limit is specified or limit is 0`]
  const ratio = Number(limited) / Number(asked)
  return ratio > Number(parseQuantity(bound).nano) / 1e9 ? [`${rule}, but provided ratio is ${ratio.toFixed(6)}`] : []
}

/** All containers together; an init container counts where it alone needs more. */
function wholePod({ spec }: Pod): Amounts {
  const sum = (list: keyof Amounts) => {
    const total: Usage = new Map()
    for (const { resources } of spec?.containers ?? []) {
      for (const [name, text] of Object.entries(resources?.[list] ?? {})) {
        total.set(name, (total.get(name) ?? 0n) + parseQuantity(text).nano)
      }
    }
    for (const { resources } of spec?.initContainers ?? []) {
      for (const [name, text] of Object.entries(resources?.[list] ?? {})) {
        const { nano } = parseQuantity(text)
        if (nano > (total.get(name) ?? 0n)) total.set(name, nano)
      }
    }
    const like = Object.assign(
      {},
      ...(spec?.containers ?? []).map(({ resources }) => resources?.[list] ?? {}),
    ) as Record<string, string>
    return Object.fromEntries([...total].map(([name, nano]) => [name, formatAmount(nano, like[name])]))
  }
  return { requests: sum('requests'), limits: sum('limits') }
}
