/** Which nodes a DaemonSet's pods belong on, and what must be created and deleted. Pure. */

import { isPodTerminating, podAvailable, podReady } from '../../api/core/pod/conditions.ts'
import type { DaemonSet, DaemonSetStatus } from '../../api/generated/apps.v1.ts'
import type { Node, NodeSelector, Pod, PodTemplateSpec, Toleration } from '../../api/generated/v1.ts'
import { omitZero, scaledValue } from '../shared/numbers.ts'
import { effectiveTaints, matchesNode, untolerated } from '../shared/placement.ts'
import { revisionLabel } from '../shared/revisions.ts'

const generationLabel = 'pod-template-generation'

/** Daemons run where others may not (upstream's AddOrUpdateDaemonPodTolerations). */
const daemonTolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
]
const hostNetworkToleration: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
}

function tolerationsOf({ spec }: PodTemplateSpec): Toleration[] {
  const own = spec?.tolerations ?? []
  const added = spec?.hostNetwork ? [...daemonTolerations, hostNetworkToleration] : daemonTolerations
  const missing = added.filter(
    (t) => !own.some((o) => o.key === t.key && o.operator === t.operator && o.effect === t.effect),
  )
  return [...own, ...missing]
}

/** The moment and the DaemonSet's present revision, as its pods are labelled with it. */
export interface Present {
  readonly now: Date
  readonly revision: string
}

/** The template as its pod for one node has it: pinned to the node by name, with a daemon's tolerations. */
export function templateForNode(daemonSet: DaemonSet, nodeName: string, revision: string): PodTemplateSpec {
  const template = daemonSet.spec?.template ?? {}
  const spec = template.spec ?? { containers: [] }
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: pinned(
      spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution,
      nodeName,
    ),
  }
  return {
    metadata: {
      ...template.metadata,
      name: '',
      labels: {
        ...template.metadata?.labels,
        [revisionLabel]: revision,
        [generationLabel]: daemonSet.metadata.annotations?.['deprecated.daemonset.template.generation'] ?? '1',
      },
    },
    spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity }, tolerations: tolerationsOf(template) },
  }
}

function pinned(selector: NodeSelector | undefined, nodeName: string): NodeSelector {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [nodeName] }]
  const terms = selector?.nodeSelectorTerms ?? []
  return { nodeSelectorTerms: terms.length > 0 ? terms.map((term) => ({ ...term, matchFields })) : [{ matchFields }] }
}

/** `shouldRun`: a pod is wanted. `mayStay`: one that is there is left alone. */
export function eligibility(daemonSet: DaemonSet, node: Node): { shouldRun: boolean; mayStay: boolean } {
  const template = daemonSet.spec?.template ?? {}
  const spec = template.spec ?? { containers: [] }
  if ((spec.nodeName && spec.nodeName !== node.metadata.name) || !matchesNode(spec, node))
    return { shouldRun: false, mayStay: false }
  const tolerations = tolerationsOf(template)
  const taints = effectiveTaints(node)
  const mayStay = !untolerated(tolerations, taints, ['NoExecute'])
  return { shouldRun: mayStay && !untolerated(tolerations, taints, ['NoSchedule']), mayStay }
}

/** The node a daemon's pod is on, or is pinned to. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec?.nodeName) return spec.nodeName
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { matchFields = [] } of terms) {
    const byName = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')
    if (byName?.values?.length === 1) return byName.values[0]
  }
  return undefined
}

export interface Plan {
  /** Names of nodes that get a pod. */
  readonly create: string[]
  readonly remove: Pod[]
  /** Failed pods among `remove`: reported before they are replaced. */
  readonly failed: Pod[]
}

/** `podsByNode` holds every pod of the DaemonSet, also those being deleted. */
export function plan(daemonSet: DaemonSet, nodes: readonly Node[], podsByNode: ReadonlyMap<string, Pod[]>): Plan {
  const result: Plan = { create: [], remove: [], failed: [] }
  const known = new Set(nodes.map((node) => node.metadata.name))
  for (const node of nodes) planNode(daemonSet, node, podsByNode.get(node.metadata.name) ?? [], result)
  for (const [nodeName, pods] of podsByNode) {
    if (!known.has(nodeName)) result.remove.push(...pods.filter((pod) => !isPodTerminating(pod) && !pod.spec?.nodeName))
  }
  return result
}

function planNode(daemonSet: DaemonSet, node: Node, pods: readonly Pod[], result: Plan): void {
  const { shouldRun, mayStay } = eligibility(daemonSet, node)
  const living = pods.filter((pod) => !isPodTerminating(pod))
  if (shouldRun && pods.length === 0) result.create.push(node.metadata.name)
  if (!mayStay) {
    result.remove.push(...living)
    return
  }
  const failed = living.filter((pod) => pod.status?.phase === 'Failed')
  result.failed.push(...failed)
  const running = living.filter((pod) => pod.status?.phase !== 'Failed').toSorted(oldestFirst)
  // One per node is enough; with a surge, a second one of the new template waits to take over.
  const keep = maxSurge(daemonSet, 1) > 0 ? 2 : 1
  result.remove.push(...failed, ...running.slice(keep))
}

function oldestFirst(a: Pod, b: Pod): number {
  if (Boolean(a.spec?.nodeName) !== Boolean(b.spec?.nodeName)) return a.spec?.nodeName ? -1 : 1
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x < y ? -1 : 1
}

function maxSurge({ spec }: DaemonSet, desired: number): number {
  if (spec?.updateStrategy?.type === 'OnDelete') return 0
  return scaledValue(spec?.updateStrategy?.rollingUpdate?.maxSurge, desired, 'up')
}

/** Pods of an old template that go now, and nodes that get a second pod first, within the strategy's limits. */
export function rollout(
  daemonSet: DaemonSet,
  nodes: readonly Node[],
  podsByNode: ReadonlyMap<string, Pod[]>,
  present: Present,
): { create: string[]; remove: Pod[] } {
  if (daemonSet.spec?.updateStrategy?.type === 'OnDelete') return { create: [], remove: [] }
  const eligible = nodes.filter((node) => eligibility(daemonSet, node).shouldRun).map((node) => node.metadata.name)
  const surge = maxSurge(daemonSet, eligible.length)
  const unavailable = scaledValue(
    daemonSet.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1,
    eligible.length,
    'up',
  )
  const views = eligible.map((name) => viewNode(daemonSet, name, podsByNode.get(name) ?? [], present))
  return surge > 0 ? surging(views, surge) : replacing(views, unavailable)
}

interface NodeView {
  readonly name: string
  readonly fresh: Pod | undefined
  readonly freshAvailable: boolean
  readonly old: Pod | undefined
  readonly oldAvailable: boolean
  readonly terminating: boolean
}

function viewNode(daemonSet: DaemonSet, name: string, pods: readonly Pod[], present: Present): NodeView {
  const { now, revision } = present
  const minReady = daemonSet.spec?.minReadySeconds ?? 0
  const living = pods.filter((pod) => !isPodTerminating(pod))
  const fresh = living.find((pod) => pod.metadata.labels?.[revisionLabel] === revision)
  const old = living.find((pod) => pod.metadata.labels?.[revisionLabel] !== revision)
  return {
    name,
    fresh,
    freshAvailable: fresh !== undefined && podAvailable(fresh, minReady, now),
    old,
    oldAvailable: old !== undefined && podAvailable(old, minReady, now),
    terminating: living.length < pods.length,
  }
}

/** Old pods that serve nothing go at once; others as long as few enough nodes are without an available pod. */
function replacing(views: readonly NodeView[], maxUnavailable: number): { create: string[]; remove: Pod[] } {
  let unavailable = views.filter(({ fresh, freshAvailable, old }) => (fresh ? !freshAvailable : !old)).length
  const remove: Pod[] = []
  const candidates: Pod[] = []
  for (const { fresh, old, oldAvailable } of views) {
    if (fresh || !old) continue
    if (oldAvailable) candidates.push(old)
    else {
      remove.push(old)
      unavailable++
    }
  }
  remove.push(...candidates.slice(0, Math.max(0, maxUnavailable - unavailable)))
  return { create: [], remove }
}

function surging(views: readonly NodeView[], maxSurge: number): { create: string[]; remove: Pod[] } {
  const remove = views.flatMap(({ old, oldAvailable, fresh, freshAvailable }) =>
    old && fresh && (freshAvailable || !oldAvailable) ? [old] : [],
  )
  const surges = views.filter(({ old, fresh, freshAvailable }) => old && fresh && !freshAvailable).length
  const waiting = views.filter(({ old, fresh, terminating }) => old && !fresh && !terminating)
  const urgent = waiting.toSorted((a, b) => Number(a.oldAvailable) - Number(b.oldAvailable))
  return { create: urgent.slice(0, Math.max(0, maxSurge - surges)).map(({ name }) => name), remove }
}

export function daemonSetStatus(
  daemonSet: DaemonSet,
  nodes: readonly Node[],
  podsByNode: ReadonlyMap<string, Pod[]>,
  { now, revision }: Present,
  collisionCount = 0,
): DaemonSetStatus {
  const minReady = daemonSet.spec?.minReadySeconds ?? 0
  const n = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 }
  for (const node of nodes) {
    const pods = (podsByNode.get(node.metadata.name) ?? []).filter((pod) => !isPodTerminating(pod))
    if (!eligibility(daemonSet, node).shouldRun) {
      if (pods.length > 0) n.misscheduled++
      continue
    }
    n.desired++
    if (pods.length > 0) n.current++
    if (pods.some(podReady)) n.ready++
    if (pods.some((pod) => podAvailable(pod, minReady, now))) n.available++
    if (pods.some((pod) => pod.metadata.labels?.[revisionLabel] === revision)) n.updated++
  }
  return {
    currentNumberScheduled: n.current,
    numberMisscheduled: n.misscheduled,
    desiredNumberScheduled: n.desired,
    numberReady: n.ready,
    ...omitZero({
      observedGeneration: daemonSet.metadata.generation ?? 0,
      updatedNumberScheduled: n.updated,
      numberAvailable: n.available,
      numberUnavailable: n.desired - n.available,
    }),
    ...(collisionCount > 0 && { collisionCount }),
  }
}
