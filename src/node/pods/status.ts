/** A pod's status as the kubelet reports it: a pure function of the pod, the machine, and what probes and starts said. */

import { qosClass } from '../../api/core/pod/qos.ts'
import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from '../../api/generated/v1.ts'
import type { Attempt, ContainerRuns, PodObservation } from '../runtime/contract.ts'
import { parseReference } from '../runtime/images.ts'
import { backOffLeftMs, backOffMs, type Knowledge, runningRuns, shouldRestart } from './decide.ts'

export interface StatusContext {
  /** Primary first. */
  readonly nodeIPs: readonly string[]
  readonly now: Date
}

const runtimeName = 'process'

export function podStatus(pod: Pod, observed: PodObservation, known: Knowledge, context: StatusContext): PodStatus {
  const initStatuses = (pod.spec?.initContainers ?? []).map((c) => initStatus(pod, c, observed, known, context))
  const initialized = initStatuses.every(({ state }) => state?.terminated?.exitCode === 0)
  const statuses = (pod.spec?.containers ?? []).map((c) => mainStatus(pod, c, observed, known, context, initialized))
  const phase = podPhase(pod, statuses, initStatuses)
  const ips = observed.sandbox?.ips.map((ip) => ({ ip })) ?? pod.status?.podIPs ?? []
  const { nodeIPs, now } = context
  return {
    ...(pod.metadata.generation && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: conditions(pod, { statuses, initialized, phase, sandbox: observed.sandbox !== undefined, now }),
    hostIP: nodeIPs[0] ?? '',
    hostIPs: nodeIPs.map((ip) => ({ ip })),
    ...(ips[0] && { podIP: ips[0].ip, podIPs: ips }),
    startTime: pod.status?.startTime ?? seconds(now),
    ...(initStatuses.length > 0 && { initContainerStatuses: initStatuses }),
    containerStatuses: statuses,
    qosClass: pod.status?.qosClass ?? qosClass(pod),
  }
}

/** RFC 3339 in whole seconds, as the API keeps times. */
export function seconds(time: Date | string): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}

function mainStatus(
  pod: Pod,
  container: Container,
  observed: PodObservation,
  known: Knowledge,
  { now }: StatusContext,
  initialized: boolean,
): ContainerStatus {
  const runs = observed.containers.get(container.name)
  const knowledge = known.get(container.name)
  const running = runningRuns(runs)
  const started = running && (knowledge?.started ?? !container.startupProbe)
  const policy = pod.spec?.restartPolicy ?? 'Always'
  return {
    ...identity(container, runs),
    ...states(pod, container.name, runs, {
      policy,
      known,
      now,
      before: initialized ? 'ContainerCreating' : 'PodInitializing',
    }),
    ready: started && (knowledge?.ready ?? !container.readinessProbe),
    started,
  }
}

function initStatus(
  pod: Pod,
  container: Container,
  observed: PodObservation,
  known: Knowledge,
  { now }: StatusContext,
): ContainerStatus {
  const runs = observed.containers.get(container.name)
  const policy = pod.spec?.restartPolicy === 'Never' ? 'Never' : 'OnFailure'
  return {
    ...identity(container, runs),
    ...states(pod, container.name, runs, { policy, known, now, before: 'PodInitializing' }),
    ready: runs?.current.exit?.code === 0,
    started: false,
  }
}

function identity(container: Container, runs: ContainerRuns | undefined) {
  const image = runs?.current.image ?? container.image ?? ''
  const { name, tag } = parseReference(image)
  return {
    name: container.name,
    image,
    imageID: runs ? `${runtimeName}://${name}:${tag}` : '',
    restartCount: runs?.current.attempt ?? 0,
    ...(runs && { containerID: containerId(runs.current) }),
  }
}

function containerId({ id }: Attempt): string {
  return `${runtimeName}://${id}`
}

interface StateContext {
  readonly policy: string
  readonly known: Knowledge
  readonly now: Date
  /** The reason it waits for its first start. */
  readonly before: string
}

function states(
  pod: Pod,
  name: string,
  runs: ContainerRuns | undefined,
  { policy, known, now, before }: StateContext,
): { state: ContainerState; lastState: ContainerState } {
  const problem = known.get(name)?.problem
  const waiting = problem && { reason: problem.reason, message: problem.message }
  if (!runs) return { state: { waiting: waiting ?? { reason: before } }, lastState: {} }
  const { current, previous } = runs
  const last: ContainerState = previous?.exit ? { terminated: terminated(previous) } : {}
  if (!current.exit) {
    if (current.pid === undefined) return { state: { waiting: { reason: before } }, lastState: last }
    return { state: { running: { startedAt: seconds(current.startedAt ?? current.createdAt) } }, lastState: last }
  }
  const ended: ContainerState = { terminated: terminated(current) }
  if (pod.metadata.deletionTimestamp || !shouldRestart(policy, current.exit.code))
    return { state: ended, lastState: last }
  if (waiting) return { state: { waiting }, lastState: ended }
  if (backOffLeftMs(current, now) > 0) return { state: { waiting: crashLoop(pod, name, current) }, lastState: ended }
  return { state: ended, lastState: last }
}

/** `back-off 10s restarting failed container=web pod=web-1_demo(uid)` */
function crashLoop({ metadata }: Pod, name: string, current: Attempt) {
  const delay = duration(backOffMs(current) / 1000)
  const pod = `${metadata.name}_${metadata.namespace}(${metadata.uid})`
  return { reason: 'CrashLoopBackOff', message: `back-off ${delay} restarting failed container=${name} pod=${pod}` }
}

/** Go's: 10s, 1m20s, 5m0s. */
function duration(totalSeconds: number): string {
  const minutes = Math.floor(totalSeconds / 60)
  return minutes > 0 ? `${minutes}m${totalSeconds % 60}s` : `${totalSeconds}s`
}

function terminated(run: Attempt) {
  const exit = run.exit ?? { code: 0, signal: 0, finishedAt: run.createdAt, startError: '' }
  const reason = exit.startError ? 'StartError' : exit.code === 0 ? 'Completed' : 'Error'
  return {
    exitCode: exit.code,
    reason,
    ...(exit.startError && { message: exit.startError }),
    startedAt: exit.startError ? '1970-01-01T00:00:00Z' : seconds(run.startedAt ?? run.createdAt),
    finishedAt: seconds(exit.finishedAt),
    containerID: containerId(run),
  }
}

function podPhase(pod: Pod, statuses: readonly ContainerStatus[], initStatuses: readonly ContainerStatus[]): string {
  const phase = pod.status?.phase
  if (phase === 'Succeeded' || phase === 'Failed') return phase
  const policy = pod.spec?.restartPolicy ?? 'Always'
  const ended = statuses.flatMap(({ state }) => state?.terminated ?? [])
  const failedInit = initStatuses.some(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0)
  if (failedInit && policy === 'Never') return 'Failed'
  const allEnded = statuses.length > 0 && ended.length === statuses.length
  const final = pod.metadata.deletionTimestamp || ended.every(({ exitCode }) => !shouldRestart(policy, exitCode))
  if (allEnded && final) return ended.every(({ exitCode }) => exitCode === 0) ? 'Succeeded' : 'Failed'
  const begun = statuses.some(({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated)
  return begun && statuses.every(({ state, lastState }) => wasStarted(state) || lastState?.terminated)
    ? 'Running'
    : 'Pending'
}

function wasStarted(state: ContainerState | undefined): boolean {
  return state?.running !== undefined || state?.terminated !== undefined
}

interface ConditionContext {
  readonly statuses: readonly ContainerStatus[]
  readonly initialized: boolean
  readonly phase: string
  readonly sandbox: boolean
  readonly now: Date
}

function conditions(pod: Pod, context: ConditionContext): PodCondition[] {
  const { statuses, initialized, phase, sandbox, now } = context
  const unready = statuses.filter(({ ready }) => !ready).map(({ name }) => name)
  const containers = readiness(phase, unready)
  const own: PodCondition[] = [
    { type: 'PodReadyToStartContainers', status: bool(sandbox) },
    initialized || phase === 'Succeeded'
      ? { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' && { reason: 'PodCompleted' }) }
      : {
          type: 'Initialized',
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incompleteInit(pod)}]`,
        },
    { type: 'Ready', ...gated(pod, containers) },
    { type: 'ContainersReady', ...containers },
    { type: 'PodScheduled', status: 'True' },
  ]
  return [...foreign(pod, own), ...own.map((condition) => withTimes(condition, pod, now))]
}

function incompleteInit({ spec }: Pod): string {
  return (spec?.initContainers ?? []).map(({ name }) => name).join(' ')
}

function readiness(phase: string, unready: readonly string[]): Omit<PodCondition, 'type'> {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  if (unready.length === 0) return { status: 'True' }
  return {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  }
}

/** Readiness gates are conditions that others set. */
function gated({ spec, status }: Pod, containers: Omit<PodCondition, 'type'>): Omit<PodCondition, 'type'> {
  if (containers.status !== 'True') return containers
  const waiting = (spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const found = status?.conditions?.find(({ type }) => type === conditionType)
    if (found?.status === 'True') return []
    return found
      ? `the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`
      : `corresponding condition of pod readiness gate "${conditionType}" does not exist.`
  })
  if (waiting.length === 0) return containers
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: waiting.join(', ') }
}

/** Conditions this agent does not own are passed on as they are. */
function foreign({ status }: Pod, own: readonly PodCondition[]): PodCondition[] {
  return (status?.conditions ?? []).filter(({ type }) => own.every((condition) => condition.type !== type))
}

function withTimes(condition: PodCondition, { metadata, status }: Pod, now: Date): PodCondition {
  const before = status?.conditions?.find(({ type }) => type === condition.type)
  const unchanged = before?.status === condition.status
  return {
    ...(metadata.generation && { observedGeneration: metadata.generation }),
    ...condition,
    lastTransitionTime: (unchanged && before?.lastTransitionTime) || seconds(now),
  }
}

function bool(value: boolean): 'True' | 'False' {
  return value ? 'True' : 'False'
}
