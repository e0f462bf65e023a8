/**
 * store: where objects live, as bytes under keys with revisions. It knows nothing of what the bytes are. The contract
 * (contract.ts) is one for all engines; the engine here is SQLite, embedded.
 *
 *   commit ──▶ queue of this turn ──▶ one SQLite commit (durable) ──▶ watchers ──▶ acknowledged
 */
export * from './contract.ts'
export { openSqliteStore, type SqliteStoreOptions } from './sqlite/store.ts'
