/**
 * Taint eviction: a pod that does not tolerate a NoExecute taint of its node is deleted, at once or when its tolerance
 * runs out (300 s by default for not-ready and unreachable, as admission writes it into every pod).
 */

import { disruptionTarget, isPodTerminating } from '../../api/core/pod/conditions.ts'
import type { Node, Pod, Taint } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { byNode } from '../scheduler/index.ts'
import { tolerateGone, tolerateReplaced } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { tolerates } from '../shared/placement.ts'

/** `seen`: when the pod was first seen under such a taint; not every taint says since when it is there. */
interface Times {
  readonly now: Date
  readonly seen: Date
}

/** Milliseconds until the pod must go (0: now); undefined when it may stay. */
export function evictionInMs(pod: Pod, taints: readonly Taint[], { now, seen }: Times): number | undefined {
  const evicting = taints.filter(({ effect }) => effect === 'NoExecute')
  if (evicting.length === 0) return undefined
  const tolerations = pod.spec?.tolerations ?? []
  const waits = evicting.map((taint) => {
    const matching = tolerations.filter((toleration) => tolerates([toleration], taint))
    if (matching.length === 0) return 0
    const seconds = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? [])
    if (seconds.length === 0) return Number.POSITIVE_INFINITY
    const since = taint.timeAdded ? Date.parse(taint.timeAdded) : seen.getTime()
    return Math.max(0, since + Math.min(...seconds) * 1000 - now.getTime())
  })
  const first = Math.min(...waits)
  return first === Number.POSITIVE_INFINITY ? undefined : first
}

export function startTaintEvictionController(ctx: ControllerContext): void {
  const { client, clock } = ctx
  const pods = ctx.informers.indexed(resources.pods, byNode)
  const nodes = ctx.informers.of(resources.nodes)
  const events = ctx.events('taint-eviction-controller')
  /** Pods that are tolerated for a while: key → when that began. */
  const waiting = new Map<string, Date>()

  const reconcile = async (key: string) => {
    const pod = pods.get(key)
    if (!pod || isPodTerminating(pod)) return void waiting.delete(key)
    const taints = nodes.get(pod.spec?.nodeName ?? '')?.spec?.taints ?? []
    const now = clock.now()
    const seen = waiting.get(key) ?? now
    const waitMs = evictionInMs(pod, taints, { now, seen })
    if (waitMs === undefined) return cancel(pod)
    if (waitMs === 0) return evict(pod)
    waiting.set(key, seen)
    queue.addAfter(key, waitMs)
  }
  const cancel = (pod: Pod) => {
    const key = objectKey(pod)
    if (!waiting.delete(key)) return
    events.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`)
  }
  const evict = async (pod: Pod) => {
    const { metadata } = pod
    events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${objectKey(pod)}`)
    const why = { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' }
    const conditions = [disruptionTarget(pod, { ...why, now: clock.now() })]
    const patch = { metadata: { uid: metadata.uid }, status: { conditions } }
    await tolerateReplaced(client.patch(resources.pods, metadata, patch, { subresource: 'status' }))
    const preconditions = metadata.uid ? { uid: metadata.uid } : {}
    await tolerateGone(client.delete(resources.pods, metadata, { preconditions }))
  }

  const queue = startQueue(ctx, { name: 'taint-eviction', concurrency: 8, after: [pods, nodes], reconcile })
  pods.onChange((change) => {
    const { type, object } = change
    if (type === 'deleted') waiting.delete(objectKey(object))
    if (type === 'deleted' || !object.spec?.nodeName) return
    if (type === 'updated' && sameJson(change.old.spec, object.spec)) return
    if (hasNoExecute(nodes.get(object.spec.nodeName))) queue.add(objectKey(object))
  })
  nodes.onChange((change) => {
    const { type, object } = change
    if (type === 'deleted') return
    if (type === 'added' && !hasNoExecute(object)) return
    if (type === 'updated' && !(hasNoExecute(object) || hasNoExecute(change.old))) return
    if (type === 'updated' && sameJson(change.old.spec?.taints, object.spec?.taints)) return
    for (const pod of pods.byIndex(byNode.name, object.metadata.name)) queue.add(objectKey(pod))
  })
}

function hasNoExecute(node: Node | undefined): boolean {
  return node?.spec?.taints?.some(({ effect }) => effect === 'NoExecute') ?? false
}
