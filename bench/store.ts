/** Writes and reads per second of the embedded store: `scripts/node bench/store.ts [SECONDS]`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore, type Store } from '../src/store/index.ts'

const seconds = Number(process.argv[2] ?? 2)
const valueBytes = 2048
const keys = 1000

interface Result {
  readonly what: string
  readonly perSecond: number
  readonly medianMs: number
  readonly p99Ms: number
}

async function measure(what: string, workers: number, step: (i: number) => Promise<unknown>): Promise<Result> {
  const times: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  const work = async (worker: number) => {
    for (let i = worker; performance.now() < end; i += workers) {
      const before = performance.now()
      await step(i)
      times.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
  const elapsed = (performance.now() - start) / 1000
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0
  return { what, perSecond: Math.round(times.length / elapsed), medianMs: at(0.5), p99Ms: at(0.99) }
}

function put(store: Store, i: number): Promise<unknown> {
  const value = Buffer.alloc(valueBytes, 120)
  return store.commit({ compare: [], operations: [{ type: 'put', key: `/bench/${i % keys}`, value }] })
}

const dir = mkdtempSync(join(tmpdir(), 'fairway-bench-store-'))
const store = openSqliteStore({ path: join(dir, 'store.db') })
try {
  const results = [
    await measure('put, 1 writer', 1, (i) => put(store, i)),
    await measure('put, 64 writers', 64, (i) => put(store, i)),
    await measure('get', 1, (i) => store.get(`/bench/${i % keys}`)),
    await measure('range of 1000', 1, () => store.range({ prefix: '/bench/' })),
    await measure('range of 1000, old revision', 1, async () =>
      store.range({ prefix: '/bench/', revision: (await store.currentRevision()) - 1 }),
    ),
  ]
  const before = performance.now()
  await store.compact(await store.currentRevision())
  console.log(`values of ${valueBytes} bytes, ${keys} keys, in ${dir}`)
  for (const { what, perSecond, medianMs, p99Ms } of results) {
    const columns = [
      what.padEnd(30),
      `${perSecond}/s`.padStart(10),
      `median ${medianMs.toFixed(3)} ms`,
      `p99 ${p99Ms.toFixed(3)} ms`,
    ]
    console.log(columns.join('  '))
  }
  console.log(`compaction of all of it: ${(performance.now() - before).toFixed(0)} ms`)
} finally {
  await store.close()
  rmSync(dir, { recursive: true, force: true })
}
