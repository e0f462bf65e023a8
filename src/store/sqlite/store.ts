/** The SQLite engine: group commit, reads, compaction. */
import type { DatabaseSync } from 'node:sqlite'
import {
  type Change,
  type KeyValue,
  type RangeRequest,
  type RangeResponse,
  type Store,
  StoreError,
  type Transaction,
  type TransactionResult,
  type Watch,
  type WatchHandlers,
  type WatchRequest,
} from '../contract.ts'
import { type Database, openDatabase } from './database.ts'
import { type ChangesRead, Records } from './records.ts'
import { compactedError, type History, Watches } from './watches.ts'

export interface SqliteStoreOptions {
  /** The database file; it and its directory are made when absent, readable by the owner only. */
  readonly path: string
}

/** Opens or makes a store. One process at a time. Throws StoreError `failed`. */
export function openSqliteStore({ path }: SqliteStoreOptions): Store {
  return new SqliteStore(openDatabase(path))
}

/** History rows a compaction looks at before it lets others run. */
const rowsPerPurge = 200

interface Pending {
  readonly transaction: Transaction
  readonly resolve: (result: TransactionResult) => void
  readonly reject: (error: StoreError) => void
}

class SqliteStore implements Store, History {
  readonly #database: Database
  readonly #db: DatabaseSync
  readonly #records: Records
  readonly #watches: Watches
  #queue: Pending[] = []
  #revision: number
  #compacted: number
  #purge: Promise<void> | undefined
  #closed = false

  constructor(database: Database) {
    this.#database = database
    this.#db = database.db
    this.#records = new Records(database.db)
    this.#revision = this.#records.counter('revision')
    this.#compacted = this.#records.counter('compacted')
    this.#watches = new Watches(this)
    void this.#startPurge()
  }

  get revision(): number {
    return this.#revision
  }

  get compacted(): number {
    return this.#compacted
  }

  changes(from: number, to: number): ChangesRead {
    return this.#records.changes(from, to)
  }

  async get(key: string, revision?: number): Promise<{ kv: KeyValue | undefined; revision: number }> {
    return this.#read(revision, () => {
      const kv = revision === undefined ? this.#records.get(key)?.kv : this.#records.getAt(key, revision)
      return { kv, revision: revision ?? this.#revision }
    })
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    const { revision } = request
    return this.#read(revision, () => {
      // The newest revision is what the live table holds, which is cheaper to read than history.
      const { revision: _, ...now } = request
      const found = this.#records.range(revision === this.#revision ? now : request)
      return { ...found, revision: revision ?? this.#revision }
    })
  }

  #read<T>(revision: number | undefined, read: () => T): T {
    this.#checkOpen()
    if (revision !== undefined && revision > this.#revision) {
      throw new StoreError('future', `revision ${revision} is not there yet: the store is at ${this.#revision}`)
    }
    if (revision !== undefined && revision < this.#compacted) throw compactedError(revision, this.#compacted)
    try {
      return read()
    } catch (cause) {
      throw new StoreError('failed', 'reading failed', { cause, retry: true })
    }
  }

  async commit(transaction: Transaction): Promise<TransactionResult> {
    this.#checkOpen()
    return new Promise((resolve, reject) => {
      if (this.#queue.push({ transaction, resolve, reject }) === 1) setImmediate(() => this.#flush())
    })
  }

  /** Writes all that this turn queued in one SQLite transaction; then tells the watches; then acknowledges. */
  #flush(): void {
    const batch = this.#queue
    this.#queue = []
    if (batch.length === 0) return
    const results: TransactionResult[] = []
    const changes: Change[] = []
    let revision = this.#revision
    try {
      this.#atomically(() => {
        for (const { transaction } of batch) {
          const outcome = this.#apply(transaction, revision)
          results.push(outcome.result)
          changes.push(...outcome.changes)
          revision = outcome.result.revision
        }
        if (revision !== this.#revision) this.#records.setCounter('revision', revision)
      })
    } catch (cause) {
      const error = new StoreError('failed', 'writing failed; nothing was stored', { cause, retry: true })
      for (const { reject } of batch) reject(error)
      return
    }
    this.#revision = revision
    if (changes.length > 0) this.#watches.publish(changes)
    batch.forEach(({ resolve }, i) => {
      const result = results[i]
      if (result) resolve(result)
    })
  }

  #apply(transaction: Transaction, revision: number): { result: TransactionResult; changes: Change[] } {
    const held = transaction.compare.map(({ key, modRevision }) => {
      const kv = this.#records.get(key)?.kv
      return { key, kv, holds: (kv?.modRevision ?? 0) === modRevision }
    })
    if (held.some(({ holds }) => !holds)) {
      const current = new Map(held.map(({ key, kv }) => [key, kv]))
      return { result: { succeeded: false, revision, current }, changes: [] }
    }
    const changes = transaction.operations
      .map((operation) => this.#records.write(operation, revision + 1))
      .filter((change) => change !== undefined)
    const reached = changes.length > 0 ? revision + 1 : revision
    return { result: { succeeded: true, revision: reached }, changes }
  }

  #atomically(write: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      write()
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  watch(request: WatchRequest, handlers: WatchHandlers): Watch {
    this.#checkOpen()
    return this.#watches.open(request, handlers)
  }

  async currentRevision(): Promise<number> {
    this.#checkOpen()
    return this.#revision
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen()
    if (revision > this.#revision) {
      throw new StoreError('future', `cannot compact to ${revision}: the store is at ${this.#revision}`)
    }
    if (revision > this.#compacted) {
      try {
        this.#atomically(() => this.#records.setCounter('compacted', revision))
      } catch (cause) {
        throw new StoreError('failed', 'compacting failed', { cause, retry: true })
      }
      this.#compacted = revision
    }
    return this.#startPurge()
  }

  /** Also at start, for what an earlier process left over. */
  #startPurge(): Promise<void> {
    this.#purge ??= this.#purgeAll().finally(() => {
      this.#purge = undefined
    })
    return this.#purge
  }

  /** Removes what compaction made unreachable, a little in each turn. A failure leaves it to the next compaction. */
  async #purgeAll(): Promise<void> {
    while (!this.#closed && this.#purgeSome()) await new Promise((resolve) => setImmediate(resolve))
  }

  /** False when nothing is left to do. */
  #purgeSome(): boolean {
    try {
      const from = this.#records.counter('purged')
      let last: number | undefined
      this.#atomically(() => {
        last = this.#records.purge(from, this.#compacted, rowsPerPurge)
        if (last !== undefined) this.#records.setCounter('purged', last)
      })
      return last !== undefined
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#flush()
    this.#closed = true
    this.#watches.endAll(new StoreError('closed', 'the store was closed'))
    await this.#purge
    this.#database.close()
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'the store was closed')
  }
}
