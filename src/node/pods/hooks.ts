/** Lifecycle hooks: a command, an HTTP request or a sleep around a container's life. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, LifecycleHandler, Pod } from '../../api/generated/v1.ts'
import { requestHttp } from '../probes/http.ts'
import type { Runtime } from '../runtime/contract.ts'
import { execIn } from './start.ts'

export interface HookPlace {
  readonly runtime: Pick<Runtime, 'execCommand'>
  readonly pod: Pod
  readonly container: Container
  readonly podIP: string
  /** Without: as long as it takes. */
  readonly timeoutMs?: number
}

/** setTimeout's longest delay. */
const timeoutMaxMs = 2 ** 31 - 1

/** Resolves with why it failed, or undefined. */
export async function runHook(hook: LifecycleHandler, place: HookPlace): Promise<string | undefined> {
  const { container, podIP, timeoutMs = timeoutMaxMs } = place
  if (hook.sleep) {
    await sleep(Math.min(hook.sleep.seconds * 1000, timeoutMs))
    return undefined
  }
  if (hook.exec) return runCommand(hook.exec.command ?? [], place, timeoutMs)
  if (!hook.httpGet) return `Cannot run handler: invalid handler for container ${container.name}`
  // Any answer will do; that it was asked is what matters.
  const headers = { 'User-Agent': 'kube-lifecycle/1.36' }
  const outcome = await requestHttp(hook.httpGet, { podIP, container, timeoutMs, headers }).catch((error: Error) => ({
    error: error.message,
  }))
  if (!('error' in outcome)) return undefined
  return failure(`HTTP lifecycle hook (${hook.httpGet.path ?? ''})`, place, outcome.error, '')
}

async function runCommand(
  command: readonly string[],
  place: HookPlace,
  timeoutMs: number,
): Promise<string | undefined> {
  const { runtime, pod, container } = place
  const what = `Exec lifecycle hook ([${command.join(' ')}])`
  try {
    const request = { uid: pod.metadata.uid ?? '', container: container.name, command, timeoutMs }
    const { code, output } = await execIn(runtime, request)
    if (code === 0) return undefined
    return failure(what, place, `command '${command.join(' ')}' exited with ${code}: ${output}`, output)
  } catch (error) {
    // The container may have ended before its hook began.
    return failure(what, place, (error as Error).message, '')
  }
}

function failure(what: string, { pod, container }: HookPlace, error: string, output: string): string {
  const { name, namespace, uid } = pod.metadata
  return (
    `${what} for Container "${container.name}" in Pod "${name}_${namespace}(${uid})" failed - ` +
    `error: ${error}, message: ${JSON.stringify(output)}`
  )
}
