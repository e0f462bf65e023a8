/** The statements: rows in, key-values and changes out. Synchronous; transactions are the caller's. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Change, KeyValue, Operation, RangeRequest } from '../contract.ts'

interface Row {
  id: number
  revision: number
  key: string
  create_revision: number
  value: Uint8Array | null
}

interface ChangeRow extends Row {
  deleted: number
  previous: number | null
  previous_revision: number | null
  previous_create_revision: number | null
  previous_value: Uint8Array | null
}

export interface Stored {
  readonly id: number
  readonly kv: KeyValue
}

export interface ChangesRead {
  readonly changes: Change[]
  /** The last revision of which all changes are here. */
  readonly reached: number
}

/** Values read at once, with those before them. */
const changesBytesMax = 4 * 1024 * 1024

export type CounterName = 'revision' | 'compacted' | 'purged'

/** After every key that starts with a prefix comes this one, if anything: the last code point that can grow, grown. */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix)
  while (points.length > 0) {
    const code = points.pop()?.codePointAt(0) ?? 0
    if (code < 0x10_ffff) return points.join('') + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1)
  }
  return undefined
}

const columns = 'h.id, h.revision, h.key, h.create_revision, h.value'

/** A bound above all keys: no UTF-8 text sorts after a blob, and SQLite orders blobs after all text. */
const top = new Uint8Array(0)

export class Records {
  readonly #get: StatementSync
  readonly #getAt: StatementSync
  readonly #range: StatementSync
  readonly #count: StatementSync
  readonly #rangeAt: StatementSync
  readonly #countAt: StatementSync
  readonly #insert: StatementSync
  readonly #setLive: StatementSync
  readonly #removeLive: StatementSync
  readonly #changes: StatementSync
  readonly #counter: StatementSync
  readonly #setCounter: StatementSync
  readonly #superseding: StatementSync
  readonly #purge: StatementSync

  constructor(db: DatabaseSync) {
    const prepare = (sql: string) => db.prepare(sql)
    const newestAt = `SELECT max(n.revision) FROM history n WHERE n.key = h.key AND n.revision <= ?`
    const inRange = 'key > ? AND key >= ? AND key < ?'
    this.#get = prepare(`SELECT ${columns} FROM live l JOIN history h ON h.id = l.id WHERE l.key = ?`)
    this.#getAt = prepare(
      `SELECT ${columns}, h.deleted FROM history h WHERE h.key = ? AND h.revision <= ? ORDER BY h.revision DESC LIMIT 1`,
    )
    this.#range = prepare(
      `SELECT ${columns} FROM live l JOIN history h ON h.id = l.id
       WHERE l.key > ? AND l.key >= ? AND l.key < ? ORDER BY l.key LIMIT ?`,
    )
    this.#count = prepare(`SELECT count(*) AS n FROM live WHERE ${inRange}`)
    const at = `FROM history h WHERE h.key > ? AND h.key >= ? AND h.key < ? AND h.revision = (${newestAt}) AND h.deleted = 0`
    this.#rangeAt = prepare(`SELECT ${columns} ${at} ORDER BY h.key LIMIT ?`)
    this.#countAt = prepare(`SELECT count(*) AS n ${at}`)
    this.#insert = prepare(
      'INSERT INTO history (revision, key, deleted, create_revision, previous, value) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#setLive = prepare('INSERT INTO live VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET id = excluded.id')
    this.#removeLive = prepare('DELETE FROM live WHERE key = ?')
    this.#changes = prepare(
      `SELECT ${columns}, h.deleted, h.previous, p.revision AS previous_revision,
         p.create_revision AS previous_create_revision, p.value AS previous_value
       FROM history h LEFT JOIN history p ON p.id = h.previous
       WHERE h.revision >= ? AND h.revision <= ? ORDER BY h.id`,
    )
    this.#counter = prepare('SELECT value FROM counters WHERE name = ?')
    this.#setCounter = prepare('UPDATE counters SET value = ? WHERE name = ?')
    this.#superseding = prepare('SELECT id, revision, deleted, previous FROM history WHERE id > ? ORDER BY id LIMIT ?')
    this.#purge = prepare('DELETE FROM history WHERE id = ?')
  }

  get(key: string): Stored | undefined {
    const found = this.#get.get(key) as Row | undefined
    return found && { id: found.id, kv: keyValue(found) }
  }

  getAt(key: string, revision: number): KeyValue | undefined {
    const found = this.#getAt.get(key, revision) as ChangeRow | undefined
    return found && found.deleted === 0 ? keyValue(found) : undefined
  }

  range({ prefix, after = '', limit = 0, revision }: RangeRequest): { kvs: KeyValue[]; remaining: number } {
    const bounds = [after, prefix, prefixEnd(prefix) ?? top] as const
    const at = revision === undefined ? [] : [revision]
    const rowsMax = limit > 0 ? limit : -1
    const statement = revision === undefined ? this.#range : this.#rangeAt
    const kvs = (statement.all(...bounds, ...at, rowsMax) as unknown as Row[]).map(keyValue)
    if (limit <= 0 || kvs.length < limit) return { kvs, remaining: 0 }
    const last = kvs.at(-1)?.key ?? after
    const counted = (revision === undefined ? this.#count : this.#countAt).get(last, bounds[1], bounds[2], ...at)
    return { kvs, remaining: (counted as unknown as { n: number }).n }
  }

  /** Writes one operation as part of `revision`; undefined when it changes nothing. */
  write(operation: Operation, revision: number): Change | undefined {
    const { key } = operation
    const before = this.get(key)
    if (operation.type === 'delete') {
      if (!before) return undefined
      this.#insert.run(revision, key, 1, before.kv.createRevision, before.id, null)
      this.#removeLive.run(key)
      return { type: 'delete', revision, key, previous: before.kv }
    }
    const createRevision = before?.kv.createRevision ?? revision
    const { value } = operation
    const { lastInsertRowid } = this.#insert.run(revision, key, 0, createRevision, before?.id ?? null, value)
    this.#setLive.run(key, lastInsertRowid)
    const kv = { key, value, createRevision, modRevision: revision }
    return { type: 'put', revision, kv, ...(before && { previous: before.kv }) }
  }

  /** All changes of the revisions `from` to `to`, in order, or up to an earlier revision when these are large. */
  changes(from: number, to: number): ChangesRead {
    const changes: Change[] = []
    let reached = 0
    let bytes = 0
    for (const row of this.#changes.iterate(from, to) as Iterable<unknown> as Iterable<ChangeRow>) {
      if (bytes > changesBytesMax && row.revision > reached) return { changes, reached }
      changes.push(change(row))
      reached = row.revision
      bytes += (row.value?.length ?? 0) + (row.previous_value?.length ?? 0)
    }
    return { changes, reached: to }
  }

  counter(name: CounterName): number {
    return (this.#counter.get(name) as unknown as { value: number }).value
  }

  setCounter(name: CounterName, value: number): void {
    this.#setCounter.run(value, name)
  }

  /**
   * Deletes what at most `rowsMax` rows after row `from` and up to `revision` made superfluous: the rows they replaced,
   * and themselves where they are deletions. Returns the last row looked at; undefined when there was none.
   */
  purge(from: number, revision: number, rowsMax: number): number | undefined {
    type Superseding = Pick<ChangeRow, 'id' | 'revision' | 'deleted' | 'previous'>
    const rows = this.#superseding.all(from, rowsMax) as unknown as Superseding[]
    let last: number | undefined
    for (const row of rows) {
      // Rows are in the order of revisions: all that follow are still needed.
      if (row.revision > revision) break
      if (row.previous !== null) this.#purge.run(row.previous)
      if (row.deleted) this.#purge.run(row.id)
      last = row.id
    }
    return last
  }
}

function buffer(value: Uint8Array | null): Buffer {
  return value ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.alloc(0)
}

function keyValue(found: Row): KeyValue {
  return {
    key: found.key,
    value: buffer(found.value),
    createRevision: found.create_revision,
    modRevision: found.revision,
  }
}

function change(found: ChangeRow): Change {
  const { key, revision } = found
  const previous: KeyValue | undefined =
    found.previous_revision === null
      ? undefined
      : {
          key,
          value: buffer(found.previous_value),
          createRevision: found.previous_create_revision ?? 0,
          modRevision: found.previous_revision,
        }
  if (found.deleted === 0) return { type: 'put', revision, kv: keyValue(found), ...(previous && { previous }) }
  if (!previous) throw new Error(`store: revision ${revision} deletes ${key}, which was not there`)
  return { type: 'delete', revision, key, previous }
}
