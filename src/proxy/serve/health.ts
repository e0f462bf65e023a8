/** Whether rules are current, as kube-proxy judges and reports it. Pure: it is told what happens and when. */
import type { Family } from '../plan/types.ts'

/** A change that is not in the kernel after this long means that the proxy is ill (kube-proxy: twice 30 s). */
const overdueMs = 60_000

/** The body of `/livez`, and with `nodeEligible` that of `/healthz`. Times are RFC 3339. */
export interface HealthReport {
  readonly lastUpdated: string
  readonly currentTime: string
  readonly nodeEligible?: boolean
  /** All families are; the node's eligibility is not asked here. */
  readonly healthy: boolean
  readonly status: Readonly<Record<string, { readonly lastUpdated: string; readonly healthy: boolean }>>
}

export class Health {
  readonly #updated = new Map<Family, number>()
  /** When the oldest change that still waits came. */
  #pendingSince: number | undefined

  queued(now: number): void {
    this.#pendingSince ??= now
  }

  synced(now: number, { families }: { readonly families: readonly Family[] }): void {
    this.#pendingSince = undefined
    for (const family of families) this.#updated.set(family, now)
  }

  isHealthy(now: number): boolean {
    return this.#pendingSince === undefined || now - this.#pendingSince < overdueMs
  }

  report(now: number, { nodeEligible }: { readonly nodeEligible?: boolean } = {}): HealthReport {
    const healthy = this.isHealthy(now)
    const time = (ms: number) => new Date(ms).toISOString()
    const families = [...this.#updated].map(
      ([family, updated]) => [`IPv${family}`, { lastUpdated: time(updated), healthy }] as const,
    )
    // What is in order counts as updated just now, as it always did.
    const current = healthy && nodeEligible !== false
    return {
      lastUpdated: time(current ? now : Math.max(0, ...this.#updated.values())),
      currentTime: time(now),
      ...(nodeEligible !== undefined && { nodeEligible }),
      healthy,
      status: Object.fromEntries(families),
    }
  }
}
