/** The STATUS, READY and RESTARTS of `kubectl get pods`, in upstream's words (pkg/printers/internalversion). */
import type { Container, ContainerState, ContainerStatus, Pod } from '../../generated/v1.ts'
import { isPodTerminal, podCondition } from './conditions.ts'
import { isSidecar } from './containers.ts'

export interface PodSummary {
  /** `Running`, `Init:0/1`, `CrashLoopBackOff`, `Terminating` … */
  readonly word: string
  readonly ready: number
  readonly total: number
  readonly restarts: number
  /** When a container last ended before its restart. */
  readonly lastRestart: string | undefined
}

interface Tally {
  word: string
  ready: number
  restarts: number
  lastRestart: string | undefined
}

export function podSummary(pod: Pod): PodSummary {
  const gated = podCondition(pod, 'PodScheduled')?.reason === 'SchedulingGated'
  const word = gated ? 'SchedulingGated' : pod.status?.reason || pod.status?.phase || ''
  const init = tallyInit(pod, word)
  const initialized = !init.initializing || podCondition(pod, 'Initialized')?.status === 'True'
  const tally = initialized ? tallyContainers(pod, init) : init.all
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).length
  return { ...tally, word: deletionWord(pod) ?? tally.word, total: (pod.spec?.containers?.length ?? 0) + sidecars }
}

interface InitTally {
  initializing: boolean
  /** All init containers, for a pod that is still initializing. */
  all: Tally
  /** The sidecars alone, which go on counting afterwards. */
  sidecars: Tally
}

function tallyInit(pod: Pod, word: string): InitTally {
  const containers = new Map((pod.spec?.initContainers ?? []).map((container) => [container.name, container]))
  const all: Tally = { word, ready: 0, restarts: 0, lastRestart: undefined }
  const sidecars: Tally = { ...all }
  for (const [i, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecarOf(containers, status.name)
    countRestarts(all, status)
    if (sidecar) countRestarts(sidecars, status)
    if (status.state?.terminated?.exitCode === 0) continue
    if (sidecar && status.started) {
      if (status.ready) all.ready++
      continue
    }
    all.word = initWord(status.state, i, containers.size)
    sidecars.word = all.word
    sidecars.ready = all.ready
    return { initializing: true, all, sidecars }
  }
  sidecars.ready = all.ready
  return { initializing: false, all, sidecars }
}

function sidecarOf(containers: ReadonlyMap<string, Container>, name: string): boolean {
  const container = containers.get(name)
  return container !== undefined && isSidecar(container)
}

function countRestarts(tally: Tally, status: ContainerStatus): void {
  tally.restarts += status.restartCount
  const finished = status.lastState?.terminated?.finishedAt
  if (finished && (tally.lastRestart === undefined || finished > tally.lastRestart)) tally.lastRestart = finished
}

function initWord(state: ContainerState | undefined, index: number, count: number): string {
  if (state?.terminated) return `Init:${terminatedWord(state)}`
  const reason = state?.waiting?.reason
  return reason && reason !== 'PodInitializing' ? `Init:${reason}` : `Init:${index}/${count}`
}

function terminatedWord({ terminated }: ContainerState): string {
  if (terminated?.reason) return terminated.reason
  return terminated?.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated?.exitCode ?? 0}`
}

function tallyContainers(pod: Pod, { sidecars }: InitTally): Tally {
  const tally = { ...sidecars }
  let running = false
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    countRestarts(tally, status)
    if (status.state?.waiting?.reason) tally.word = status.state.waiting.reason
    else if (status.state?.terminated) tally.word = terminatedWord(status.state)
    else if (status.ready && status.state?.running) {
      running = true
      tally.ready++
    }
  }
  if (tally.word === 'Completed' && running) {
    tally.word = podCondition(pod, 'Ready')?.status === 'True' ? 'Running' : 'NotReady'
  }
  return tally
}

function deletionWord(pod: Pod): string | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return undefined
  if (pod.status?.reason === 'NodeLost') return 'Unknown'
  return isPodTerminal(pod) ? undefined : 'Terminating'
}
