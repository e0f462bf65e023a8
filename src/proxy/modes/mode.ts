/** What every proxy mode is: something that makes one address family's kernel state match plans. */
import type { PortChange, PortPlan } from '../plan/types.ts'

export interface Mode {
  /**
   * Makes the kernel hold exactly these plans, whatever it held before, without a moment in which an unchanged Service
   * fails. Rejects when the kernel refused; the state is then unknown and `replace` must be called again.
   */
  replace(plans: Iterable<PortPlan>): Promise<void>
  /** Applies differences to what the last successful call left. Rejects as `replace` does. */
  update(changes: readonly PortChange[]): Promise<void>
  /** Calls `damaged` when the kernel state was changed by somebody else, until the signal aborts. */
  watch(damaged: (what: string) => void, signal: AbortSignal): void
  /** For the metrics. */
  counts(): readonly RuleCounts[]
  /** For the metrics, too; empty where the kernel does not count. Never rejects. */
  packets(): Promise<readonly PacketCount[]>
}

/** Packets that met a rule of ours. */
export interface PacketCount {
  readonly what: 'invalid-dropped' | 'localhost-node-port-accepted'
  readonly packets: number
}

export interface RuleCounts {
  readonly table: string
  /** Rules of ours in the kernel. */
  readonly total: number
  /** By the last successful call. */
  readonly written: number
}

/** The kernel refused a change. `output` is what its tool said. */
export class KernelError extends Error {
  readonly output: string

  constructor(what: string, output: string) {
    super(`${what}: ${output.trim()}`)
    this.name = 'KernelError'
    this.output = output
  }
}
