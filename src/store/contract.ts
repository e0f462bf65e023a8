/**
 * What a store is, for every engine: a revisioned key-value store with watch, in etcd's terms.
 *
 * One revision counter for the whole store, increased by one for each committed transaction that changes anything. A
 * revision is acknowledged only when it is durable. History is kept until `compact`.
 */

/** A key's value as of some revision. Keys are UTF-8 strings ordered bytewise. */
export interface KeyValue {
  readonly key: string
  readonly value: Buffer
  /** Revision of the transaction that created the key (again, if it had been deleted). */
  readonly createRevision: number
  /** Revision of the transaction that last wrote the key. */
  readonly modRevision: number
}

/** One change, as watchers see it. `previous` is what the key held before, if anything. */
export type Change =
  | { readonly type: 'put'; readonly revision: number; readonly kv: KeyValue; readonly previous?: KeyValue }
  | { readonly type: 'delete'; readonly revision: number; readonly key: string; readonly previous: KeyValue }

export interface RangeRequest {
  /** Only keys that start with this. */
  readonly prefix: string
  /** Only keys strictly after this one (the continue position). */
  readonly after?: string
  /** At most this many; 0 or absent: all. */
  readonly limit?: number
  /** As of this revision; absent: now. */
  readonly revision?: number
}

export interface RangeResponse {
  readonly kvs: KeyValue[]
  /** The revision this is the state of. */
  readonly revision: number
  /** Keys that match past the limit (0 when all were returned). */
  readonly remaining: number
}

/** `modRevision: 0` means "the key does not exist". */
export interface Comparison {
  readonly key: string
  readonly modRevision: number
}

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Buffer }
  | { readonly type: 'delete'; readonly key: string }

export interface Transaction {
  /** All must hold, else nothing is written. */
  readonly compare: readonly Comparison[]
  readonly operations: readonly Operation[]
}

export type TransactionResult =
  | { readonly succeeded: true; readonly revision: number }
  /** `current` holds, for each compared key, what is there now (undefined: nothing). */
  | {
      readonly succeeded: false
      readonly revision: number
      readonly current: ReadonlyMap<string, KeyValue | undefined>
    }

export interface WatchRequest {
  readonly prefix: string
  /** First revision to deliver; absent: everything after the current revision. */
  readonly fromRevision?: number
}

export interface WatchHandlers {
  /** All changes of one or more whole revisions, in order. Called synchronously; must not throw. */
  changes(changes: readonly Change[]): void
  /** All history up to `revision` has been delivered; what comes now is live. Called once, if there was history. */
  caughtUp?(revision: number): void
  /** The watch ended by itself and delivers nothing more. `compacted`: the revision asked for is gone. */
  ended(error: StoreError): void
}

export interface Watch {
  close(): void
}

export interface Store {
  get(key: string, revision?: number): Promise<{ kv: KeyValue | undefined; revision: number }>
  range(request: RangeRequest): Promise<RangeResponse>
  /** Resolves once durable. Transactions issued in the same turn may share one commit, in issue order. */
  commit(transaction: Transaction): Promise<TransactionResult>
  /**
   * Throws StoreError `compacted` when `fromRevision` is not above the compacted revision. History first, then live
   * changes, each once and in order; only durable changes are delivered.
   */
  watch(request: WatchRequest, handlers: WatchHandlers): Watch
  /** The last durable revision. */
  currentRevision(): Promise<number>
  /** Forgets history below `revision`: reads below it and watches at or below it fail as `compacted`. */
  compact(revision: number): Promise<void>
  close(): Promise<void>
}

/** `compacted`: the revision asked for is gone. `future`: it is not there yet. `closed`: the store was closed. `failed`: the engine failed; see cause. */
export type StoreErrorCode = 'compacted' | 'future' | 'closed' | 'failed'

export class StoreError extends Error {
  readonly code: StoreErrorCode
  readonly retry: boolean

  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown; retry?: boolean }) {
    super(message, { cause: options?.cause })
    this.name = 'StoreError'
    this.code = code
    this.retry = options?.retry ?? false
  }
}
