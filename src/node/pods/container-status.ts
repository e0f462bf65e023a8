/** The status of one container, as the kubelet reports it. Pure. */
import type { Container, ContainerState, ContainerStatus, Pod } from '../../api/generated/v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { Attempt, ContainerRuns, PodObservation } from '../runtime/contract.ts'
import { parseReference } from '../runtime/images.ts'
import { type ContainerKnowledge, isInPostStart, type Knowledge, runningRuns } from './decide.ts'
import { isEnding } from './progress.ts'
import {
  backOffLeftMs,
  backOffMs,
  callsForAll,
  isEphemeral,
  isRegularInit,
  isToRunAnew,
  restartingAll,
  shouldRestart,
} from './restart.ts'
import { isSealed } from './volumes/mounts.ts'

const runtimeName = 'process'

export function containerStatus(
  pod: Pod,
  container: Container,
  observed: PodObservation,
  known: Knowledge,
  now: Date,
): ContainerStatus {
  const runs = observed.containers.get(container.name)
  const knowledge = known.get(container.name)
  const isInit = isRegularInit(pod, container)
  const isDebugging = isEphemeral(pod, container)
  const running = runningRuns(runs) && !isInPostStart(known, container)
  const started = !isInit && running && (knowledge?.started ?? !container.startupProbe)
  const ready = started && (knowledge?.ready ?? !container.readinessProbe)
  return {
    ...identity(container, runs),
    ...holdings(container, runs),
    ...states({ pod, container, observed, runs, knowledge, now, over: isEnding(pod, observed, now) }),
    ready: isInit ? isDone(observed, runs) : ready && !isDebugging,
    ...(!isDebugging && { started }),
  }
}

/** Of an init container. */
function isDone(observed: PodObservation, runs: ContainerRuns | undefined): boolean {
  return runs?.current.exit?.code === 0 && !isToRunAnew(observed, runs.current)
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

/** What the container was given, as told once it is there. */
function holdings({ resources = {}, volumeMounts = [] }: Container, runs: ContainerRuns | undefined) {
  const { requests } = resources
  const { user, resources: held = resources } = runs?.current ?? {}
  const mounts = volumeMounts.map((mount) => ({
    name: mount.name,
    mountPath: mount.mountPath,
    ...(mount.readOnly && { readOnly: true, recursiveReadOnly: isSealed(mount) ? 'Enabled' : 'Disabled' }),
  }))
  return {
    ...(mounts.length > 0 && { volumeMounts: mounts }),
    ...(runs && { resources: runs.current.exit ? resources : held }),
    ...(runs && requests && { allocatedResources: requests }),
    ...(user && { user: { linux: { uid: user.uid, gid: user.gid, supplementalGroups: [...user.groups] } } }),
  }
}

function containerId({ id }: Attempt): string {
  return `${runtimeName}://${id}`
}

interface States {
  readonly state: ContainerState
  readonly lastState: ContainerState
}

interface StatesContext {
  readonly pod: Pod
  readonly container: Container
  readonly observed: PodObservation
  readonly runs: ContainerRuns | undefined
  readonly knowledge: ContainerKnowledge | undefined
  readonly now: Date
  readonly over: boolean
}

function states(context: StatesContext): States {
  const { pod, observed, runs, knowledge } = context
  const problem = knowledge?.problem
  const waiting = problem && { reason: problem.reason, ...(problem.message && { message: problem.message }) }
  const first = { waiting: { reason: pod.spec?.initContainers?.length ? 'PodInitializing' : 'ContainerCreating' } }
  if (!runs) return { state: waiting ? { waiting } : first, lastState: {} }
  const { current, previous } = runs
  const lastState: ContainerState = previous?.exit ? { terminated: ended(observed, current, previous) } : {}
  if (current.exit) return endedStates(context, current, lastState)
  const hasBegun = current.pid !== undefined && !(knowledge?.postStart && !knowledge.postStart.failure)
  const startedAt = timeOf(current.startedAt ?? current.createdAt)
  return { state: hasBegun ? { running: { startedAt } } : first, lastState }
}

function ended({ sandbox }: PodObservation, current: Attempt, previous: Attempt) {
  const beganAnew = sandbox?.restartedAt === current.sandbox && previous.sandbox !== current.sandbox
  return beganAnew ? former(previous) : terminated(previous)
}

function endedStates(
  { pod, container, observed, knowledge, now, over }: StatesContext,
  current: Attempt,
  lastState: ContainerState,
): States {
  const last: ContainerState = { terminated: terminated(current) }
  if (isToRunAnew(observed, current) && !over && !callsForAll(container, current)) {
    return { state: { waiting: restartingAll }, lastState: { terminated: former(current) } }
  }
  if (over || !shouldRestart(pod, container, current.exit?.code ?? 0)) return { state: last, lastState }
  const { problem, postStart } = knowledge ?? {}
  if (problem) return { state: { waiting: { reason: problem.reason, message: problem.message } }, lastState: last }
  if (backOffLeftMs(current, now) > 0) {
    return { state: { waiting: crashLoop(pod, container.name, current) }, lastState: last }
  }
  if (postStart?.failure === undefined) return { state: last, lastState }
  return { state: { waiting: { reason: 'PostStartHookError', message: postStart.failure } }, lastState: last }
}

/** A run before its pod began anew in its sandbox: one that was ended for that did not end by itself. */
function former(run: Attempt) {
  return { ...terminated(run), ...(run.stopping && restartingAll) }
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

/** A time that the runtime noted, as the API keeps it. */
function timeOf(noted: string): string {
  return formatTime(new Date(noted))
}

function terminated(run: Attempt) {
  const exit = run.exit ?? { code: 0, signal: 0, finishedAt: run.createdAt, startError: '' }
  const message = exit.startError || exit.message
  return {
    exitCode: exit.code,
    reason: reasonOf(exit),
    ...(message && { message }),
    startedAt: exit.startError ? '1970-01-01T00:00:00Z' : timeOf(run.startedAt ?? run.createdAt),
    finishedAt: timeOf(exit.finishedAt),
    containerID: containerId(run),
  }
}

function reasonOf({ code, startError, outOfMemory }: NonNullable<Attempt['exit']>): string {
  if (startError) return 'StartError'
  if (outOfMemory) return 'OOMKilled'
  return code === 0 ? 'Completed' : 'Error'
}
