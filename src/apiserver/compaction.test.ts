import { expect, test } from 'vitest'
import { FakeClock } from '../lib/clock.ts'
import { silentLogger } from '../lib/log.ts'
import { startCompaction } from './compaction.ts'

/** What is compacted when a store that is busy with `perMinute` changes is looked at for some minutes. */
async function compactions(perMinute: number, minutes: number): Promise<number[]> {
  const clock = new FakeClock()
  const compacted: number[] = []
  let revision = 0
  const store = {
    currentRevision: async () => revision,
    async compact(at: number) {
      compacted.push(at)
    },
  }
  const stop = startCompaction(store, clock, silentLogger)
  for (let minute = 0; minute < minutes; minute++) {
    revision += perMinute
    clock.advance(60_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  stop()
  clock.advance(600_000)
  return compacted
}

test('ten minutes are kept', async () => {
  expect(await compactions(100, 10)).toEqual([])
  expect(await compactions(100, 13)).toEqual([100, 200, 300])
})

test('nothing is compacted while nothing changes', async () => {
  expect(await compactions(0, 30)).toEqual([])
})

test('a flood of changes is bounded in number', async () => {
  expect(await compactions(400_000, 4)).toEqual([200_000, 600_000])
})
