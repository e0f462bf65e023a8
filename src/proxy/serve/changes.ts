/** Counts what the proxy hears of Services and EndpointSlices, and what of it waits for the next pass. */

export type ChangeKind = 'service' | 'endpoint'

export interface ChangeCounts {
  /** Since the start. */
  readonly total: number
  /** Services concerned whose change no pass has taken yet. */
  readonly pending: number
}

export class Changes {
  readonly #totals = { service: 0, endpoint: 0 }
  readonly #pending = { service: new Set<string>(), endpoint: new Set<string>() }

  /** `service` is `namespace/name`, also for what an EndpointSlice says of it. */
  heard(kind: ChangeKind, service: string): void {
    this.#totals[kind] += 1
    this.#pending[kind].add(service)
  }

  taken(): void {
    for (const waiting of Object.values(this.#pending)) waiting.clear()
  }

  counts(kind: ChangeKind): ChangeCounts {
    return { total: this.#totals[kind], pending: this.#pending[kind].size }
  }
}
