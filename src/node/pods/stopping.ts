/** How containers are asked to end, and killed when their time is up. Pure. */
import type { Pod } from '../../api/generated/v1.ts'
import type { Attempt, PodObservation } from '../runtime/contract.ts'
import type { Action } from './decide.ts'
import { isEnding } from './progress.ts'

export interface StopRequest {
  /** Shown in the Event. */
  readonly why: string
  readonly graceSeconds: number
  readonly now: Date
}

const defaultGraceSeconds = 30
/** Of a pod whose disk is wanted back. */
const evictedGraceSeconds = 1
/** Of a pod deleted by force. */
const forcedGraceSeconds = 2
/** What a sidecar gets at least, whose turn came when the pod's time was up. */
const lateTurnMs = 2000

export function graceOf({ metadata, spec, status }: Pod): number {
  if (status?.reason === 'Evicted') return evictedGraceSeconds
  return metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds
}

/** Deleted by force, or by somebody who did not wait for us: it is still asked to end, and given a moment. */
export function leaving(pod: Pod, now: Date): Pod {
  const { deletionTimestamp = now.toISOString() } = pod.metadata
  return { ...pod, metadata: { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: forcedGraceSeconds } }
}

export function stopAll(pod: Pod, observed: PodObservation, request: StopRequest): Action[] {
  return [...observed.containers].flatMap(([name, { current }]) => {
    if (current.exit) return []
    const waits = request.graceSeconds > 0 && endsAfter(pod, name).length > 0
    return stopOne(name, current, request, waits ? lateTurnMs : 0)
  })
}

/** Containers that end before this one is told to: a sidecar serves the others to the last (KEP-753). */
function endsAfter({ spec }: Pod, name: string): string[] {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const position = sidecars.findIndex((sidecar) => sidecar.name === name)
  if (position < 0) return []
  return [...(spec?.containers ?? []), ...sidecars.slice(position + 1)].map((container) => container.name)
}

/** Order is kept when the pod ends; a sidecar that is to be restarted waits for nobody. */
export function hasItsTurn(pod: Pod, name: string, observed: PodObservation, now: Date): boolean {
  if (!isEnding(pod, observed, now)) return true
  return endsAfter(pod, name).every((other) => {
    const runs = observed.containers.get(other)
    return !runs || runs.current.exit !== undefined
  })
}

export function stopOne(
  name: string,
  { pid, stopping }: Attempt,
  { why, graceSeconds, now }: StopRequest,
  extraMs = 0,
): Action[] {
  // It has not begun yet; its start is an event.
  if (pid === undefined) return [{ type: 'wait', ms: 1000 }]
  // A shorter period than the one it was given counts from now (`kubectl delete --now` after `kubectl delete`).
  if (!stopping || stopping.graceSeconds > graceSeconds) return [{ type: 'stopContainer', name, graceSeconds, why }]
  const left = new Date(stopping.at).getTime() + stopping.graceSeconds * 1000 + extraMs - now.getTime()
  if (left > 0) return [{ type: 'wait', ms: left }]
  return [
    { type: 'killContainer', name },
    { type: 'wait', ms: 1000 },
  ]
}
