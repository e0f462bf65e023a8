/** A pod's conditions, as the kubelet reports them. Pure. */
import type { ContainerStatus, Pod, PodCondition } from '../../api/generated/v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { ResizeCondition } from './resizer.ts'
import { isSidecar, mayRestartAll } from './restart.ts'

export interface ConditionContext {
  readonly mains: readonly ContainerStatus[]
  readonly inits: readonly ContainerStatus[]
  readonly phase: string
  readonly sandbox: boolean
  readonly now: Date
  /** All its containers are being ended, to begin anew. */
  readonly restartsAll: boolean
  readonly resize?: ResizeCondition | undefined
}

type Unnamed = Omit<PodCondition, 'type'>

export function conditions(pod: Pod, context: ConditionContext): PodCondition[] {
  const { mains, inits, phase, sandbox, now, resize, restartsAll } = context
  const containers = containersReady(phase, [...inits.filter((status) => isOfSidecar(pod, status)), ...mains])
  const own: PodCondition[] = [
    ...(resize ? [{ status: 'True', ...resize }] : []),
    { type: 'PodReadyToStartContainers', status: sandbox ? 'True' : 'False' },
    { type: 'Initialized', ...initialized(pod, inits, phase) },
    { type: 'Ready', ...gated(pod, containers) },
    { type: 'ContainersReady', ...containers },
    { type: 'PodScheduled', status: 'True' },
    ...(mayRestartAll(pod) ? [{ type: 'AllContainersRestarting', ...restarting(phase, restartsAll) }] : []),
  ]
  return [...foreign(pod, own), ...own.map((condition) => withTimes(condition, pod, now))]
}

function isOfSidecar(pod: Pod, { name }: ContainerStatus): boolean {
  return pod.spec?.initContainers?.some((init) => init.name === name && isSidecar(pod, init)) ?? false
}

function restarting(phase: string, restartsAll: boolean): Unnamed {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  if (!restartsAll) return { status: 'False' }
  return {
    status: 'True',
    reason: 'RestartAllContainersStarted',
    message: 'container exited with restart policy rule',
  }
}

function initialized(pod: Pod, inits: readonly ContainerStatus[], phase: string): Unnamed {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  const before = pod.status?.conditions?.find(({ type }) => type === 'Initialized')
  // Init containers that run anew do not take it back (KEP-5532).
  if (before?.status === 'True' && mayRestartAll(pod)) return { status: 'True' }
  const incomplete = inits.filter((status) => !(isOfSidecar(pod, status) ? status.started : status.ready))
  if (incomplete.length === 0) return { status: 'True' }
  return {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.map(({ name }) => name).join(' ')}]`,
  }
}

function containersReady(phase: string, statuses: readonly ContainerStatus[]): Unnamed {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  const unready = statuses.filter(({ ready }) => !ready).map(({ name }) => name)
  if (unready.length === 0) return { status: 'True' }
  return {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  }
}

/** Readiness gates are conditions that others set. */
function gated({ spec, status }: Pod, containers: Unnamed): Unnamed {
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
  return (status?.conditions ?? []).filter(
    ({ type }) => !type.startsWith('PodResize') && own.every((condition) => condition.type !== type),
  )
}

function withTimes(condition: PodCondition, { metadata, status }: Pod, now: Date): PodCondition {
  const before = status?.conditions?.find(({ type }) => type === condition.type)
  const unchanged = before?.status === condition.status
  return {
    ...(metadata.generation && { observedGeneration: metadata.generation }),
    ...condition,
    lastTransitionTime: (unchanged && before?.lastTransitionTime) || formatTime(now),
  }
}
