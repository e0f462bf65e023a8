/** Containers that could not be started: why, and when to try again. */
import type { Container } from '../../api/generated/v1.ts'
import type { Clock } from '../../lib/clock.ts'
import { RuntimeError } from '../runtime/contract.ts'
import { ConfigError } from './environment.ts'

export interface Problem {
  readonly kind: 'image' | 'neverPull' | 'imageName' | 'config' | 'setup'
  readonly image: string
  /** As in `state.waiting`. */
  readonly reason: string
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly retryAt: number
  readonly retryInMs: number
  readonly failures: number
}

/** First delay per kind, doubled for each failure in a row. What a container refers to often comes a moment later. */
const firstDelayMs = { image: 10_000, neverPull: 10_000, imageName: 10_000, config: 500, setup: 1000 } as const
const delayMaxMs = 300_000

export class Problems {
  readonly #clock: Clock
  readonly #byPod = new Map<string, Map<string, Problem>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(uid: string, container: string): Problem | undefined {
    return this.#byPod.get(uid)?.get(container)
  }

  containers(uid: string): string[] {
    return [...(this.#byPod.get(uid)?.keys() ?? [])]
  }

  note(uid: string, container: Container, error: Error): Problem {
    const { name, image = '' } = container
    const failures = (this.get(uid, name)?.failures ?? 0) + 1
    const kind = kindOf(error, container)
    const retryInMs = Math.min(firstDelayMs[kind] * 2 ** (failures - 1), delayMaxMs)
    const retryAt = this.#clock.now().getTime() + retryInMs
    const problem: Problem = { kind, image, ...waiting(kind, image, error), retryAt, retryInMs, failures }
    const containers = this.#byPod.get(uid) ?? new Map<string, Problem>()
    this.#byPod.set(uid, containers.set(name, problem))
    return problem
  }

  /** An image problem that has been seen once is a back-off from then on; returned when it becomes one. */
  settle(uid: string, container: string): Problem | undefined {
    const problem = this.get(uid, container)
    if (problem?.reason !== 'ErrImagePull') return undefined
    const message = `${backOffMessage(problem.image)}: ErrImagePull: ${problem.message}`
    const settled: Problem = { ...problem, reason: 'ImagePullBackOff', message }
    this.#byPod.get(uid)?.set(container, settled)
    return settled
  }

  solved(uid: string, container: string): void {
    this.#byPod.get(uid)?.delete(container)
  }

  forget(uid: string): void {
    this.#byPod.delete(uid)
  }
}

/** The Event's words; the status says why, too. */
export function backOffMessage(image: string): string {
  return `Back-off pulling image "${image}"`
}

function kindOf(error: Error, { imagePullPolicy }: Container): Problem['kind'] {
  if (error instanceof ConfigError) return 'config'
  if (!(error instanceof RuntimeError)) return 'setup'
  return error.code === 'image' && imagePullPolicy === 'Never' ? 'neverPull' : error.code
}

function waiting(kind: Problem['kind'], image: string, error: Error): Pick<Problem, 'reason' | 'message'> {
  switch (kind) {
    case 'image':
      return { reason: 'ErrImagePull', message: error.message }
    case 'neverPull': {
      const message = `Container image "${image}" is not present with pull policy of Never`
      return { reason: 'ErrImageNeverPull', message }
    }
    case 'imageName':
      return { reason: 'InvalidImageName', message: `Failed to apply default image tag "${image}": ${error.message}` }
    case 'config':
      return { reason: 'CreateContainerConfigError', message: error.message }
    case 'setup':
      return { reason: 'CreateContainerError', message: error.message }
  }
}
