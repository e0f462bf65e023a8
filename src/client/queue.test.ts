import { describe, expect, test } from 'vitest'
import { FakeClock } from '../lib/clock.ts'
import { silentLogger } from '../lib/log.ts'
import { WorkQueue } from './queue.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
async function turns(n = 4): Promise<void> {
  for (let i = 0; i < n; i++) await turn()
}

function queueOf(reconcile: (key: string) => Promise<void>, clock = new FakeClock()) {
  const stop = new AbortController()
  const queue = new WorkQueue({ name: 'test', reconcile, log: silentLogger, clock })
  queue.run(stop.signal)
  return { queue, clock, stop }
}

describe('work queue', () => {
  test('a burst of one key is one reconciliation', async () => {
    const seen: string[] = []
    const { queue } = queueOf(async (key) => void seen.push(key))
    for (let i = 0; i < 10; i++) queue.add('a')
    queue.add('b')
    await turns()
    expect(seen).toEqual(['a', 'b'])
  })

  test('a key added while it is worked on is worked on again, never at the same time', async () => {
    let release: () => void = () => {}
    let active = 0
    let runs = 0
    const { queue } = queueOf(async () => {
      runs++
      expect(++active).toBe(1)
      await new Promise<void>((resolve) => {
        release = resolve
      })
      active--
    })
    queue.add('a')
    await turns()
    queue.add('a')
    queue.add('a')
    await turns()
    expect(runs).toBe(1)
    release()
    await turns()
    expect(runs).toBe(2)
  })

  test('failures come back with growing delay, success resets it', async () => {
    let failing = true
    let runs = 0
    const { queue, clock } = queueOf(async () => {
      runs++
      if (failing) throw new Error('not yet')
    })
    queue.add('a')
    await turns()
    for (const delay of [5, 10, 20]) {
      clock.advance(delay - 1)
      await turns()
      const before = runs
      clock.advance(1)
      await turns()
      expect(runs).toBe(before + 1)
    }
    failing = false
    clock.advance(40)
    await turns()
    expect(runs).toBe(5)
  })

  test('addAfter keeps the earlier of two times', async () => {
    const seen: number[] = []
    const { queue, clock } = queueOf(async () => void seen.push(clock.now().getTime()))
    const start = clock.now().getTime()
    queue.addAfter('a', 100)
    queue.addAfter('a', 500)
    queue.addAfter('a', 50)
    clock.advance(50)
    await turns()
    clock.advance(1000)
    await turns()
    expect(seen).toEqual([start + 50])
  })

  test('nothing runs after the signal', async () => {
    let runs = 0
    const { queue, clock, stop } = queueOf(async () => void runs++)
    queue.addAfter('a', 10)
    stop.abort()
    clock.advance(20)
    queue.add('b')
    await turns()
    expect(runs).toBe(0)
  })
})
