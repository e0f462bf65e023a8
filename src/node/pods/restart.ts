/** Whether and when a container that ended runs again. Pure. */
import type { Container, ContainerRestartRule, Pod } from '../../api/generated/v1.ts'
import { type Attempt, beginningOf, type PodObservation } from '../runtime/contract.ts'

const backOffFirstMs = 10_000
const backOffMaxMs = 300_000
/** A run this long ends a series of crashes. */
const healthyRunMs = 600_000

/** An init container that keeps running beside the others (KEP-753). */
export function isSidecar({ spec }: Pod, container: Container): boolean {
  return container.restartPolicy === 'Always' && isInit(spec, container)
}

/** An init container that has to end before the others begin. */
export function isRegularInit({ spec }: Pod, container: Container): boolean {
  return container.restartPolicy !== 'Always' && isInit(spec, container)
}

function isInit(spec: Pod['spec'], { name }: Container): boolean {
  return spec?.initContainers?.some((init) => init.name === name) ?? false
}

/** Added to a running pod to look at it; runs once. */
export function isEphemeral({ spec }: Pod, { name }: Container): boolean {
  return spec?.ephemeralContainers?.some((ephemeral) => ephemeral.name === name) ?? false
}

/** A run from before the pod began anew, with another sandbox or in the one there is: init containers come first again. */
export function isFormer({ sandbox }: PodObservation, run: Attempt): boolean {
  return sandbox !== undefined && run.sandbox !== beginningOf(sandbox)
}

/** The container's own rules first, then its own policy (KEP-5307), then the pod's. */
export function shouldRestart(pod: Pod, container: Container, code: number): boolean {
  if (isEphemeral(pod, container)) return false
  if (isSidecar(pod, container)) return true
  if (restartRule(container, code)) return true
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always'
  if (policy === 'Never') return false
  return code !== 0 || (policy === 'Always' && !isRegularInit(pod, container))
}

/** The first one that is for this exit code; each restarts at least the container itself. */
function restartRule({ restartPolicyRules }: Container, code: number): ContainerRestartRule | undefined {
  return restartPolicyRules?.find((rule) => ruleMatches(rule, code))
}

function ruleMatches({ exitCodes }: ContainerRestartRule, code: number): boolean {
  const listed = exitCodes?.values?.includes(code) ?? false
  return exitCodes?.operator === 'NotIn' ? !listed : listed
}

function ranWell({ startedAt, exit }: Attempt): boolean {
  if (!startedAt || !exit) return false
  return new Date(exit.finishedAt).getTime() - new Date(startedAt).getTime() > healthyRunMs
}

export function nextCrashes(run: Attempt): number {
  return ranWell(run) ? 1 : run.crashes + 1
}

/** The whole delay after this run ended: none the first time, then 10 s, doubling up to five minutes. */
export function backOffMs(run: Attempt): number {
  if (run.crashes === 0 || ranWell(run)) return 0
  return Math.min(backOffFirstMs * 2 ** (run.crashes - 1), backOffMaxMs)
}

export function backOffLeftMs(run: Attempt, now: Date): number {
  if (!run.exit) return 0
  return new Date(run.exit.finishedAt).getTime() + backOffMs(run) - now.getTime()
}

/** The Event's words; the status says it with the delay. */
export function crashLoopMessage({ metadata }: Pod, container: string): string {
  return `Back-off restarting failed container ${container} in pod ${metadata.name}_${metadata.namespace}(${metadata.uid})`
}

/** An end that has all containers of the pod begin anew in their sandbox (KEP-5532): why they wait. */
export const restartingAll = {
  reason: 'RestartingAllContainers',
  message: 'The container is removed because RestartAllContainers in place',
} as const

/** All but those for debugging, which run once. */
export function restartable({ spec }: Pod): Container[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
}

/** A container of it may call for this. */
export function mayRestartAll(pod: Pod): boolean {
  return restartable(pod).some(({ restartPolicyRules }) =>
    restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  )
}

/** This run ended in a way that calls for it. */
export function callsForAll(container: Container, { exit }: Attempt): boolean {
  return exit !== undefined && restartRule(container, exit.code)?.action === 'RestartAllContainers'
}

/** A run has called for it, and the pod has not begun anew yet. */
export function mustRestartAll(pod: Pod, observed: PodObservation): boolean {
  return restartable(pod).some((container) => {
    const run = observed.containers.get(container.name)?.current
    return run !== undefined && !isFormer(observed, run) && callsForAll(container, run)
  })
}

/** What has ended runs again, whatever its policy: the pod has begun anew since. */
export function isToRunAnew(observed: PodObservation, run: Attempt): boolean {
  return observed.sandbox?.restartedAt !== undefined && isFormer(observed, run)
}
