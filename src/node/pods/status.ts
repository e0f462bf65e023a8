/** A pod's status as the kubelet reports it: a pure function of the pod, the machine, and what probes and starts said. */
import { qosClass } from '../../api/core/pod/qos.ts'
import type { ContainerStatus, Pod, PodStatus } from '../../api/generated/v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { PodObservation } from '../runtime/contract.ts'
import { conditions } from './conditions.ts'
import { containerStatus } from './container-status.ts'
import { type Knowledge, runningRuns } from './decide.ts'
import { isFinished, isPastDeadline } from './progress.ts'
import type { ResizeCondition } from './resizer.ts'
import { isSidecar, mustRestartAll, shouldRestart } from './restart.ts'

export interface StatusContext {
  /** Primary first. */
  readonly nodeIPs: readonly string[]
  readonly now: Date
  readonly resize?: ResizeCondition | undefined
}

export function podStatus(pod: Pod, observed: PodObservation, known: Knowledge, context: StatusContext): PodStatus {
  if (pod.status && isRejected(pod, observed)) return pod.status
  const { nodeIPs, now, resize } = context
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {}
  const inits = initContainers.map((container) => containerStatus(pod, container, observed, known, now))
  const mains = containers.map((container) => containerStatus(pod, container, observed, known, now))
  const ips = observed.sandbox?.ips.map((ip) => ({ ip })) ?? pod.status?.podIPs ?? []
  const outcome = podOutcome(pod, { observed, mains, inits, now })
  return {
    ...outcome,
    conditions: conditions(pod, {
      mains,
      inits,
      phase: outcome.phase,
      sandbox: observed.sandbox !== undefined,
      now,
      restartsAll: mustRestartAll(pod, observed),
      resize,
    }),
    hostIP: nodeIPs[0] ?? '',
    hostIPs: nodeIPs.map((ip) => ({ ip })),
    ...(ips[0] && { podIP: ips[0].ip, podIPs: ips }),
    startTime: pod.status?.startTime ?? formatTime(now),
    ...(inits.length > 0 && { initContainerStatuses: inits }),
    containerStatuses: mains,
    ...(ephemeralContainers.length > 0 && {
      ephemeralContainerStatuses: ephemeralContainers.map((one) => containerStatus(pod, one, observed, known, now)),
    }),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
  }
}

/** Why a pod failed whose `activeDeadlineSeconds` are over. */
export const deadlineExceeded = 'DeadlineExceeded'

/** Failed before anything of it was made here: it has no containers to speak of. */
function isRejected(pod: Pod, { containers }: PodObservation): boolean {
  return isFinished(pod) && !pod.status?.containerStatuses && containers.size === 0
}

type Outcome = Pick<PodStatus, 'reason' | 'message'> & { readonly phase: string }

interface Parts {
  readonly observed: PodObservation
  readonly mains: readonly ContainerStatus[]
  readonly inits: readonly ContainerStatus[]
  readonly now: Date
}

function podOutcome(pod: Pod, parts: Parts): Outcome {
  const { phase, reason, message } = pod.status ?? {}
  if (isFinished(pod)) return { phase: phase ?? '', ...(reason && { reason }), ...(message && { message }) }
  const late = isPastDeadline(pod, parts.now) && {
    phase: 'Failed',
    reason: deadlineExceeded,
    message: 'Pod was active on the node longer than the specified deadline',
  }
  const outcome = late || { phase: podPhase(pod, parts) }
  if (!late && mustRestartAll(pod, parts.observed)) return { phase: phase ?? 'Pending' }
  const isLast = outcome.phase === 'Succeeded' || outcome.phase === 'Failed'
  // It is not over while something of it still runs.
  const running = [...parts.observed.containers.values()].some(runningRuns)
  return isLast && running ? { phase: phase ?? 'Pending' } : outcome
}

function podPhase(pod: Pod, { mains, inits }: Parts): string {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
  const restarts = ({ name, state }: ContainerStatus) => {
    const container = containers.find((candidate) => candidate.name === name)
    if (!container || !state?.terminated || pod.metadata.deletionTimestamp) return false
    return shouldRestart(pod, container, state.terminated.exitCode)
  }
  const begun = mains.some(hasRun)
  if (!begun && inits.some((status) => failed(status) && !isSidecarStatus(pod, status) && !restarts(status))) {
    return 'Failed'
  }
  const allEnded = mains.length > 0 && mains.every(({ state }) => state?.terminated)
  if (allEnded && !mains.some(restarts)) return mains.some(failed) ? 'Failed' : 'Succeeded'
  return begun && mains.every(hasRun) ? 'Running' : 'Pending'
}

function isSidecarStatus(pod: Pod, { name }: ContainerStatus): boolean {
  return pod.spec?.initContainers?.some((init) => init.name === name && isSidecar(pod, init)) ?? false
}

function failed({ state }: ContainerStatus): boolean {
  return (state?.terminated?.exitCode ?? 0) !== 0
}

function hasRun({ state, lastState }: ContainerStatus): boolean {
  return Boolean(state?.running ?? state?.terminated ?? lastState?.terminated)
}
