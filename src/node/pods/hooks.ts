/** Lifecycle hooks: a command, an HTTP request or a sleep around a container's life. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, LifecycleHandler } from '../../api/generated/v1.ts'
import { runProbe } from '../probes/check.ts'
import type { Runtime } from '../runtime/contract.ts'
import { execIn } from './start.ts'

export interface HookPlace {
  readonly runtime: Pick<Runtime, 'execCommand'>
  readonly uid: string
  readonly container: Container
  readonly podIP: string
  readonly timeoutMs: number
}

/** Resolves with why it failed, or undefined. */
export async function runHook(hook: LifecycleHandler, place: HookPlace): Promise<string | undefined> {
  const { runtime, uid, container, podIP, timeoutMs } = place
  if (hook.sleep) {
    await sleep(Math.min(hook.sleep.seconds * 1000, timeoutMs))
    return undefined
  }
  const exec = (command: readonly string[]) => execIn(runtime, { uid, container: container.name, command, timeoutMs })
  const probe = { ...(hook.exec && { exec: hook.exec }), ...(hook.httpGet && { httpGet: hook.httpGet }) }
  const outcome = await runProbe({ ...probe, timeoutSeconds: timeoutMs / 1000 }, { podIP, container, exec })
  return outcome.ok ? undefined : outcome.message
}
