/** The SQLite file: its tables, its settings, and a lock that keeps a second process out. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../contract.ts'

/**
 * `history` has a row for each change of each key, in order. `previous` is the row this one replaced (null when the
 * key did not exist); it outlives its successor's compaction never, so it can always be joined. `live` maps each
 * existing key to its newest row.
 */
const tables = `
CREATE TABLE IF NOT EXISTS history (
  id INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL,
  key TEXT NOT NULL,
  deleted INTEGER NOT NULL,
  create_revision INTEGER NOT NULL,
  previous INTEGER,
  value BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS history_by_revision ON history (revision);
CREATE INDEX IF NOT EXISTS history_by_key ON history (key, revision);
CREATE TABLE IF NOT EXISTS live (key TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO counters VALUES ('revision', 1), ('compacted', 0), ('purged', 0);
`

/** WAL with a sync at each commit: a commit that returned survives the loss of power. */
const settings = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 5000;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -4096;
`

export interface Database {
  readonly db: DatabaseSync
  close(): void
}

/** Waits up to five seconds for a process that is just ending to let go of the file. Throws StoreError `failed`. */
export function openDatabase(path: string): Database {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    for (const file of [path, `${path}.lock`]) closeSync(openSync(file, 'a', 0o600))
    const lock = lockFile(`${path}.lock`)
    try {
      const db = new DatabaseSync(path)
      db.exec(settings)
      db.exec(tables)
      return { db, close: () => closeAll(db, lock) }
    } catch (error) {
      lock.close()
      throw error
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StoreError('failed', `cannot open the store ${path}: ${why}`, { cause })
  }
}

/**
 * Revisions are counted in memory, so there must be one process. The lock is a file of its own, so that the store can
 * be read with sqlite3 while it runs; the kernel releases it when the process ends, however it ends.
 */
function lockFile(path: string): DatabaseSync {
  const lock = new DatabaseSync(path)
  try {
    lock.exec('PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock.close()
    throw new Error('another process has it open', { cause })
  }
}

function closeAll(db: DatabaseSync, lock: DatabaseSync): void {
  try {
    db.close()
  } finally {
    lock.close()
  }
}
