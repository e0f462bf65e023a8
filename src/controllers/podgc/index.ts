/**
 * Pod garbage: a pod whose node is gone has nobody to end it. After a quarantine, in which the node may come back, it is
 * marked failed and removed. A deleted pod that never got a node is removed at once.
 */

import { disruptionTarget, isPodTerminal } from '../../api/core/pod/conditions.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { byNode } from '../scheduler/index.ts'
import { tolerateReplaced } from '../shared/gone.ts'

/** As upstream: a node absent for so long is gone. */
const quarantineMs = 40_000

export function startPodGarbageCollector(ctx: ControllerContext): void {
  const { client, clock } = ctx
  const pods = ctx.informers.indexed(resources.pods, byNode)
  const nodes = ctx.informers.of(resources.nodes)

  const reconcile = async (key: string) => {
    const pod = pods.get(key)
    if (!pod) return
    const { nodeName } = pod.spec ?? {}
    if (!nodeName) return pod.metadata.deletionTimestamp ? remove(pod) : undefined
    if (nodes.get(nodeName) || (await nodeExists(nodeName))) return
    if (!isPodTerminal(pod)) await markFailed(pod)
    await remove(pod)
  }
  const remove = async ({ metadata }: Pod): Promise<void> => {
    const preconditions = metadata.uid ? { uid: metadata.uid } : {}
    await tolerateReplaced(client.delete(resources.pods, metadata, { gracePeriodSeconds: 0, preconditions }))
  }
  const nodeExists = async (name: string): Promise<boolean> => {
    try {
      await client.get(resources.nodes, { name })
      return true
    } catch (error) {
      if (isReason(error, 'NotFound')) return false
      throw error
    }
  }
  const markFailed = async (pod: Pod): Promise<void> => {
    const why = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }
    const conditions = [disruptionTarget(pod, { ...why, now: clock.now() })]
    const patch = { metadata: { uid: pod.metadata.uid }, status: { phase: 'Failed', conditions } }
    await tolerateReplaced(client.patch(resources.pods, pod.metadata, patch, { subresource: 'status' }))
  }

  const queue = startQueue(ctx, { name: 'pod-garbage-collector', concurrency: 4, after: [pods, nodes], reconcile })
  pods.onChange((change) => {
    const { type, object } = change
    if (type === 'deleted') return
    const { nodeName } = object.spec ?? {}
    if (!nodeName) {
      if (object.metadata.deletionTimestamp) queue.add(objectKey(object))
    } else if (!nodes.get(nodeName)) queue.addAfter(objectKey(object), quarantineMs)
  })
  nodes.onChange(({ type, object }) => {
    if (type !== 'deleted') return
    for (const pod of pods.byIndex(byNode.name, object.metadata.name)) queue.addAfter(objectKey(pod), quarantineMs)
  })
}
