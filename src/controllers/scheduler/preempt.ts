/** Ends the pods that give way to another. */
import { podCondition } from '../../api/core/pod/conditions.ts'
import type { Pod, PodCondition } from '../../api/generated/v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { EventRecorder } from '../../client/events.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerContext } from '../context.ts'
import { tolerateReplaced } from '../shared/gone.ts'
import { preemptionReason, type Sacrifice } from './preemption.ts'

type Writer = Pick<ControllerContext, 'client' | 'clock'> & { readonly events: EventRecorder }

/** Each learns why before it is deleted. Those on their way out already are let be. */
export async function endVictims(pod: Pod, { node, victims }: Sacrifice, writer: Writer): Promise<void> {
  const alive = victims.filter(({ metadata }) => !metadata.deletionTimestamp)
  await Promise.all(alive.map((victim) => endVictim(pod, { victim, node }, writer)))
}

async function endVictim(pod: Pod, { victim, node }: { victim: Pod; node: string }, writer: Writer): Promise<void> {
  const { client, clock, events } = writer
  const { uid = '' } = victim.metadata
  const conditions = [disruption(pod, victim, formatTime(clock.now()))]
  const patch = { metadata: { uid }, status: { conditions } }
  const marked = await tolerateReplaced(client.patch(resources.pods, victim.metadata, patch, { subresource: 'status' }))
  if (!marked) return
  await tolerateReplaced(client.delete(resources.pods, victim.metadata, { preconditions: { uid } }))
  events.event(victim, 'Normal', 'Preempted', `Preempted by pod ${pod.metadata.uid} on node ${node}`)
}

function disruption({ spec }: Pod, victim: Pod, now: string): PodCondition {
  const type = 'DisruptionTarget'
  const before = podCondition(victim, type)
  return {
    type,
    status: 'True',
    reason: preemptionReason,
    message: `${spec?.schedulerName}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: (before?.status === 'True' && before.lastTransitionTime) || now,
    ...(victim.metadata.generation && { observedGeneration: victim.metadata.generation }),
  }
}
