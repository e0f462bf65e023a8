/** Whether and when a container that ended runs again. Pure. */
import type { Container, ContainerRestartRule, Pod } from '../../api/generated/v1.ts'
import type { Attempt } from '../runtime/contract.ts'

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

/** The container's own rules first, then its own policy (KEP-5307), then the pod's. */
export function shouldRestart(pod: Pod, container: Container, code: number): boolean {
  if (isEphemeral(pod, container)) return false
  if (isSidecar(pod, container)) return true
  if (container.restartPolicyRules?.some((rule) => ruleMatches(rule, code))) return true
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always'
  if (policy === 'Never') return false
  return code !== 0 || (policy === 'Always' && !isRegularInit(pod, container))
}

/** Its one action is to restart. */
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
