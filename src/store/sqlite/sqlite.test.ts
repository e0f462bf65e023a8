import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { storeContract } from '../contract-suite.ts'
import { prefixEnd } from './records.ts'
import { openSqliteStore } from './store.ts'

function directory(): { path: string; remove: () => void } {
  const at = mkdtempSync(join(tmpdir(), 'fairway-store-'))
  return { path: join(at, 'store.db'), remove: () => rmSync(at, { recursive: true, force: true }) }
}

storeContract('sqlite', async () => {
  const { path, remove } = directory()
  return { open: async () => openSqliteStore({ path }), remove: async () => remove() }
})

test('transactions of one turn share one SQLite commit', async () => {
  const { path, remove } = directory()
  const store = openSqliteStore({ path })
  const put = (i: number) =>
    store.commit({ compare: [], operations: [{ type: 'put', key: `k${i}`, value: Buffer.from('x') }] })
  const reader = new DatabaseSync(path, { readOnly: true })
  const version = () => JSON.stringify(reader.prepare('PRAGMA data_version').get())
  const before = version()
  await Promise.all(Array.from({ length: 50 }, (_, i) => put(i)))
  expect(version()).not.toBe(before)
  expect(reader.prepare('SELECT count(*) AS n FROM history').get()).toEqual({ n: 50 })
  reader.close()
  await store.close()
  remove()
})

test('compaction removes the rows nobody can read', async () => {
  const { path, remove } = directory()
  const store = openSqliteStore({ path })
  const operations = (key: string) => [{ type: 'put' as const, key, value: Buffer.from('x') }]
  for (let i = 0; i < 1000; i++) void store.commit({ compare: [], operations: operations(`k${i % 10}`) })
  await store.commit({ compare: [], operations: [{ type: 'delete', key: 'k0' }] })
  await store.compact(await store.currentRevision())
  const reader = new DatabaseSync(path, { readOnly: true })
  expect(reader.prepare('SELECT count(*) AS n FROM history').get()).toEqual({ n: 9 })
  reader.close()
  await store.close()
  remove()
})

test('the files are readable by the owner only', async () => {
  const { path, remove } = directory()
  const store = openSqliteStore({ path })
  await store.commit({ compare: [], operations: [{ type: 'put', key: 'a', value: Buffer.from('x') }] })
  for (const suffix of ['', '-wal', '.lock']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600)
  await store.close()
  remove()
})

test('a writer killed in the middle loses nothing it acknowledged and reuses no revision', async () => {
  const { path, remove } = directory()
  const program = `
    import { openSqliteStore } from ${JSON.stringify(join(import.meta.dirname, 'store.ts'))}
    const store = openSqliteStore({ path: ${JSON.stringify(path)} })
    for (let i = 0; ; i++) {
      const r = await store.commit({ compare: [], operations: [{ type: 'put', key: 'n', value: Buffer.from(String(i)) }] })
      process.stdout.write(r.revision + ' ' + i + '\\n')
    }`
  for (let round = 0; round < 2; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let last = ''
    let lines = 0
    for await (const line of createInterface({ input: child.stdout })) {
      last = line
      if (++lines === 100) child.kill('SIGKILL')
    }
    const [revision, value] = last.split(' ').map(Number)
    const store = openSqliteStore({ path })
    const held = await store.get('n')
    expect(await store.currentRevision()).toBeGreaterThanOrEqual(revision ?? Infinity)
    expect(Number(held.kv?.value.toString())).toBeGreaterThanOrEqual(value ?? Infinity)
    const next = await store.commit({ compare: [], operations: [{ type: 'delete', key: 'n' }] })
    expect(next.revision).toBe(held.revision + 1)
    await store.close()
  }
  remove()
})

test.each([
  ['a/', 'a0'],
  ['a\uD7FF', 'a\uE000'],
  ['a\u{10FFFF}', 'b'],
  ['\u{10FFFF}', undefined],
  ['', undefined],
])('the first key after all that start with %j is %j', (prefix, end) => expect(prefixEnd(prefix)).toBe(end))
