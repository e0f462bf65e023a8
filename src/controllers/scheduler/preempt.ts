/** Ends the pods that give way to another. */
import { disruptionTarget } from '../../api/core/pod/conditions.ts'
import type { Pod } from '../../api/generated/v1.ts'
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
  const message = `${pod.spec?.schedulerName}: preempting to accommodate a higher priority pod`
  const conditions = [disruptionTarget(victim, { reason: preemptionReason, message, now: clock.now() })]
  const patch = { metadata: { uid }, status: { conditions } }
  const marked = await tolerateReplaced(client.patch(resources.pods, victim.metadata, patch, { subresource: 'status' }))
  if (!marked) return
  await tolerateReplaced(client.delete(resources.pods, victim.metadata, { preconditions: { uid } }))
  events.event(victim, 'Normal', 'Preempted', `Preempted by pod ${pod.metadata.uid} on node ${node}`)
}
