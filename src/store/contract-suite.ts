/** What every engine must do. Each engine's test file calls `storeContract` with a way to open, and reopen, a store. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Change, type KeyValue, type Store, StoreError, type StoreErrorCode, type Watch } from './contract.ts'

/** A place a store lives in: it can be opened again after it was closed. */
export interface StorePlace {
  open(): Promise<Store>
  remove(): Promise<void>
}

const bytes = (text: string) => Buffer.from(text)

function put(store: Store, key: string, value = key) {
  return store.commit({ compare: [], operations: [{ type: 'put', key, value: bytes(value) }] })
}

function remove(store: Store, key: string) {
  return store.commit({ compare: [], operations: [{ type: 'delete', key }] })
}

function text(change: Change): string {
  const before = change.previous ? ` was ${change.previous.value.toString()}@${change.previous.modRevision}` : ''
  if (change.type === 'delete') return `${change.revision} delete ${change.key}${before}`
  return `${change.revision} put ${change.kv.key}=${change.kv.value.toString()}${before}`
}

async function failure(code: StoreErrorCode, action: () => unknown): Promise<void> {
  try {
    await action()
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError)
    expect((error as StoreError).code).toBe(code)
    return
  }
  throw new Error(`expected StoreError ${code}`)
}

/** Collects what a watch delivers; `until` waits for a number of changes, with a deadline. */
class Collector {
  readonly changes: string[] = []
  readonly batches: number[] = []
  error: StoreError | undefined
  #wake: () => void = () => {}
  readonly handlers = {
    changes: (changes: readonly Change[]) => {
      this.changes.push(...changes.map(text))
      this.batches.push(changes.length)
      this.#wake()
    },
    ended: (error: StoreError) => {
      this.error = error
      this.#wake()
    },
  }

  async until(done: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 5000
    while (!done()) {
      if (Date.now() > deadline) throw new Error(`waited for ${what}; had ${JSON.stringify(this.changes)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  count(n: number): Promise<void> {
    return this.until(() => this.changes.length >= n, `${n} changes`)
  }
}

export function storeContract(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(`store contract: ${name}`, () => {
    let place: StorePlace
    let store: Store
    const watches: Watch[] = []
    const watch = (prefix: string, fromRevision?: number) => {
      const collector = new Collector()
      watches.push(store.watch({ prefix, ...(fromRevision !== undefined && { fromRevision }) }, collector.handlers))
      return collector
    }

    beforeEach(async () => {
      place = await makePlace()
      store = await place.open()
    })
    afterEach(async () => {
      for (const w of watches.splice(0)) w.close()
      await store.close()
      await place.remove()
    })

    describe('revisions', () => {
      test('a new store has a revision above zero and no keys', async () => {
        expect(await store.currentRevision()).toBeGreaterThan(0)
        expect((await store.range({ prefix: '' })).kvs).toEqual([])
      })

      test('each transaction that changes something takes one revision, whatever it holds', async () => {
        const start = await store.currentRevision()
        const results = [
          await put(store, 'a'),
          await store.commit({
            compare: [],
            operations: [
              { type: 'put', key: 'b', value: bytes('1') },
              { type: 'put', key: 'c', value: bytes('2') },
              { type: 'delete', key: 'a' },
            ],
          }),
          await remove(store, 'nothing'),
        ]
        expect(results.map((r) => [r.succeeded, r.revision - start])).toEqual([
          [true, 1],
          [true, 2],
          [true, 2],
        ])
      })

      test('keys remember when they were created and last written', async () => {
        const { revision } = await put(store, 'a', '1')
        await put(store, 'a', '2')
        await remove(store, 'a')
        const again = await put(store, 'a', '3')
        expect((await store.get('a', revision + 1)).kv).toMatchObject({
          createRevision: revision,
          modRevision: revision + 1,
        })
        expect((await store.get('a')).kv).toEqual({
          key: 'a',
          value: bytes('3'),
          createRevision: again.revision,
          modRevision: again.revision,
        } satisfies KeyValue)
      })

      test('survive closing and opening, and go on from there', async () => {
        await put(store, 'a', 'one')
        const { revision } = await put(store, 'b', '')
        await store.close()
        store = await place.open()
        expect(await store.currentRevision()).toBe(revision)
        expect((await store.get('b')).kv?.value).toEqual(Buffer.alloc(0))
        expect((await put(store, 'c')).revision).toBe(revision + 1)
      })

      test('a deletion takes a revision that is not used again after a restart', async () => {
        await put(store, 'a')
        const { revision } = await remove(store, 'a')
        await store.compact(revision)
        await store.close()
        store = await place.open()
        expect((await put(store, 'a')).revision).toBe(revision + 1)
      })
    })

    describe('transactions', () => {
      test('write nothing unless all comparisons hold, and say what is there', async () => {
        const { revision } = await put(store, 'a', 'here')
        const result = await store.commit({
          compare: [
            { key: 'a', modRevision: revision },
            { key: 'b', modRevision: 7 },
          ],
          operations: [{ type: 'put', key: 'a', value: bytes('changed') }],
        })
        expect(result).toMatchObject({ succeeded: false, revision })
        if (result.succeeded) throw new Error('unreachable')
        expect(result.current.get('a')?.value).toEqual(bytes('here'))
        expect(result.current.has('b')).toBe(true)
        expect(result.current.get('b')).toBeUndefined()
        expect((await store.get('a')).kv?.value).toEqual(bytes('here'))
      })

      test('of two creations of one key in the same turn the first succeeds', async () => {
        const create = (value: string) =>
          store.commit({
            compare: [{ key: 'a', modRevision: 0 }],
            operations: [{ type: 'put', key: 'a', value: bytes(value) }],
          })
        const results = await Promise.all([create('1'), create('2')])
        expect(results.map((r) => r.succeeded)).toEqual([true, false])
        expect((await store.get('a')).kv?.value).toEqual(bytes('1'))
      })

      test('issued in one turn take consecutive revisions in issue order', async () => {
        const start = await store.currentRevision()
        const results = await Promise.all(Array.from({ length: 100 }, (_, i) => put(store, `k${i % 7}`, String(i))))
        expect(results.map((r) => r.revision)).toEqual(results.map((_, i) => start + 1 + i))
      })

      test('with concurrent read-modify-write no increment is lost', async () => {
        await put(store, 'n', '0')
        const increment = async () => {
          for (;;) {
            const { kv } = await store.get('n')
            if (!kv) throw new Error('gone')
            const result = await store.commit({
              compare: [{ key: 'n', modRevision: kv.modRevision }],
              operations: [{ type: 'put', key: 'n', value: bytes(String(Number(kv.value) + 1)) }],
            })
            if (result.succeeded) return
          }
        }
        await Promise.all(Array.from({ length: 8 }, increment))
        expect((await store.get('n')).kv?.value.toString()).toBe('8')
      })
    })

    describe('ranges', () => {
      const keys = async (request: Parameters<Store['range']>[0]) => {
        const { kvs, remaining } = await store.range(request)
        return [kvs.map((kv) => kv.key).join(' '), remaining]
      }

      test('are ordered bytewise and bounded by the prefix', async () => {
        for (const key of ['a/b', 'a/é', 'a/Z', 'a', 'a0', 'a/b/c', 'b', 'a/\u{1F600}', 'a/\uFFFD'])
          await put(store, key)
        expect(await keys({ prefix: 'a/' })).toEqual(['a/Z a/b a/b/c a/é a/\uFFFD a/\u{1F600}', 0])
        expect(await keys({ prefix: '' })).toEqual(['a a/Z a/b a/b/c a/é a/\uFFFD a/\u{1F600} a0 b', 0])
      })

      test('continue after a key and count what is left', async () => {
        for (const key of ['p/1', 'p/2', 'p/3', 'p/4', 'q']) await put(store, key)
        expect(await keys({ prefix: 'p/', limit: 2 })).toEqual(['p/1 p/2', 2])
        expect(await keys({ prefix: 'p/', limit: 2, after: 'p/2' })).toEqual(['p/3 p/4', 0])
        expect(await keys({ prefix: 'p/', after: 'p/3' })).toEqual(['p/4', 0])
      })

      test('of an old revision are what was then, page by page', async () => {
        for (const key of ['p/1', 'p/2', 'p/3', 'p/4']) await put(store, key, 'old')
        const revision = await store.currentRevision()
        await put(store, 'p/2', 'new')
        await remove(store, 'p/3')
        await put(store, 'p/5')
        expect(await keys({ prefix: 'p/', revision, limit: 3 })).toEqual(['p/1 p/2 p/3', 1])
        const rest = await store.range({ prefix: 'p/', revision, after: 'p/1' })
        expect(rest.kvs.map((kv) => `${kv.key}=${kv.value.toString()}`)).toEqual(['p/2=old', 'p/3=old', 'p/4=old'])
        expect(rest.revision).toBe(revision)
        expect((await store.get('p/3', revision)).kv?.value.toString()).toBe('old')
        expect(await keys({ prefix: 'p/' })).toEqual(['p/1 p/2 p/4 p/5', 0])
      })

      test('of a revision to come fail', async () => {
        const next = (await store.currentRevision()) + 1
        await failure('future', () => store.range({ prefix: '', revision: next }))
        await failure('future', () => store.get('a', next))
      })
    })

    describe('watches', () => {
      test('see each change once and in order, with what was there before', async () => {
        const start = await store.currentRevision()
        const seen = watch('a/')
        await put(store, 'a/1', 'x')
        await Promise.all([put(store, 'a/1', 'y'), put(store, 'b/1'), remove(store, 'a/1'), put(store, 'a/1', 'z')])
        await seen.count(4)
        expect(seen.changes).toEqual([
          `${start + 1} put a/1=x`,
          `${start + 2} put a/1=y was x@${start + 1}`,
          `${start + 4} delete a/1 was y@${start + 2}`,
          `${start + 5} put a/1=z`,
        ])
      })

      test('have delivered a change before its writer is told', async () => {
        const seen = watch('')
        await put(store, 'a')
        expect(seen.changes).toHaveLength(1)
      })

      test('replay history and go on live without a gap, while writes go on', async () => {
        const start = await store.currentRevision()
        for (let i = 0; i < 30; i++)
          await Promise.all(Array.from({ length: 50 }, (_, j) => put(store, `k${j}`, String(i))))
        const seen = watch('', start + 1)
        const writing = (async () => {
          for (let i = 0; i < 50; i++) await put(store, 'live', String(i))
        })()
        await writing
        await seen.count(1550)
        const revisions = seen.changes.map((line) => Number(line.split(' ')[0]))
        expect(revisions).toEqual(revisions.map((_, i) => start + 1 + i))
      })

      test('replay changes with what was there before, of one revision together', async () => {
        const start = await store.currentRevision()
        await put(store, 'a', '1')
        await store.commit({
          compare: [],
          operations: [
            { type: 'delete', key: 'a' },
            { type: 'put', key: 'b', value: bytes('2') },
          ],
        })
        const seen = watch('', start + 2)
        await seen.count(2)
        expect(seen.changes).toEqual([`${start + 2} delete a was 1@${start + 1}`, `${start + 2} put b=2`])
        expect(seen.batches).toEqual([2])
      })

      test('tell a history of large values in several batches, and no revision in two', async () => {
        const start = await store.currentRevision()
        const large = Buffer.alloc(1024 * 1024)
        for (let i = 0; i < 10; i++) {
          const operations = ['a', 'b'].map((name) => ({ type: 'put' as const, key: `${name}/${i}`, value: large }))
          await store.commit({ compare: [], operations })
        }
        const seen = watch('', start + 1)
        await seen.count(20)
        expect(seen.batches.length).toBeGreaterThan(1)
        expect(seen.batches.filter((size) => size % 2 === 1)).toEqual([])
      })

      test('say once when the history has been told, and where it ended', async () => {
        const start = await store.currentRevision()
        await put(store, 'a/1')
        await put(store, 'b/1')
        const told: string[] = []
        const handlers = {
          changes: (changes: readonly Change[]) => void told.push(...changes.map(text)),
          caughtUp: (revision: number) => void told.push(`caught up at ${revision}`),
          ended: () => {},
        }
        watches.push(store.watch({ prefix: 'a/', fromRevision: start + 1 }, handlers))
        watches.push(store.watch({ prefix: 'a/' }, handlers))
        await put(store, 'b/2')
        const seen = watch('')
        await put(store, 'a/2')
        await seen.count(1)
        // Where it ended depends on when the engine read; what was told before and after does not.
        expect(told.map((line) => line.replace(/caught up at \d+/, 'caught up'))).toEqual([
          `${start + 1} put a/1=a/1`,
          'caught up',
          `${start + 4} put a/2=a/2`,
          `${start + 4} put a/2=a/2`,
        ])
      })

      test('from a revision to come wait for it', async () => {
        const start = await store.currentRevision()
        const seen = watch('', start + 2)
        await put(store, 'a')
        await put(store, 'b')
        expect(seen.changes).toEqual([`${start + 2} put b=b`])
      })

      test('deliver nothing once closed', async () => {
        const seen = watch('')
        watches.at(-1)?.close()
        await put(store, 'a')
        expect(seen.changes).toEqual([])
        expect(seen.error).toBeUndefined()
      })

      test('end when the store closes', async () => {
        const seen = watch('')
        await store.close()
        expect(seen.error?.code).toBe('closed')
        await failure('closed', () => store.get('a'))
        await failure('closed', () => put(store, 'a'))
      })
    })

    describe('compaction', () => {
      test('forgets older revisions and keeps that one and all later', async () => {
        await put(store, 'a', '1')
        await put(store, 'b', '1')
        const { revision: dropped } = await put(store, 'a', '2')
        const { revision } = await remove(store, 'b')
        await put(store, 'a', '3')
        await store.compact(revision)
        await failure('compacted', () => store.get('a', dropped))
        await failure('compacted', () => store.range({ prefix: '', revision: dropped }))
        await failure('compacted', () => store.watch({ prefix: '', fromRevision: revision }, new Collector().handlers))
        expect((await store.get('a', revision)).kv?.value.toString()).toBe('2')
        expect((await store.get('b', revision)).kv).toBeUndefined()
        const seen = watch('', revision + 1)
        await seen.count(1)
        expect(seen.changes).toEqual([`${revision + 1} put a=3 was 2@${dropped}`])
      })

      test('stays in force after a restart', async () => {
        await put(store, 'a', '1')
        const { revision } = await put(store, 'a', '2')
        await store.compact(revision)
        await store.close()
        store = await place.open()
        await failure('compacted', () => store.get('a', revision - 1))
        expect((await store.get('a')).kv?.value.toString()).toBe('2')
      })

      test('to a revision to come fails, to an earlier one again changes nothing', async () => {
        const { revision } = await put(store, 'a')
        await failure('future', () => store.compact(revision + 1))
        await store.compact(revision)
        await store.compact(revision - 1)
        await failure('compacted', () => store.get('a', revision - 1))
      })

      test('of a long history leaves the present as it was, while writes go on', async () => {
        for (let i = 0; i < 20; i++) {
          await Promise.all(
            Array.from({ length: 50 }, (_, j) => put(store, `k${String(j).padStart(2, '0')}`, String(i))),
          )
        }
        await remove(store, 'k00')
        const compacting = store.compact(await store.currentRevision())
        await put(store, 'k01', 'later')
        await compacting
        const { kvs } = await store.range({ prefix: 'k' })
        expect(kvs).toHaveLength(49)
        expect(kvs[0]?.value.toString()).toBe('later')
        expect(kvs.slice(1).every((kv) => kv.value.toString() === '19')).toBe(true)
      })
    })
  })
}
