import { once } from 'node:events'
import { Duplex, duplexPair } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import { lingerMs } from '../../lib/drained.ts'
import { relay } from './relay.ts'

/** One side of a connection whose peer takes a piece when it is told to. */
class SlowSide extends Duplex {
  readonly accepted: string[] = []
  #waiting: (() => void) | undefined

  accept(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  override _read(): void {}

  override _write(data: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#waiting = () => {
      this.accepted.push(data.toString())
      done()
    }
  }
}

afterEach(() => {
  vi.useRealTimers()
})

test('a slow reader still gets all that was sent before the other side ended', async () => {
  const slow = new SlowSide()
  const [side, backend] = duplexPair()
  relay(slow, side)
  slow.push(null)
  backend.resume()
  backend.write('first ')
  await once(side, 'data')
  backend.end('last')
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  await once(side, 'close')
  vi.advanceTimersByTime(lingerMs - 1)
  slow.accept()
  slow.accept()
  await once(slow, 'close')
  expect(slow.accepted.join('')).toBe('first last')
})

test('who reads nothing is left in the end', async () => {
  const slow = new SlowSide()
  const [side, backend] = duplexPair()
  relay(slow, side)
  slow.push(null)
  backend.resume()
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  backend.end('last')
  await once(side, 'close')
  vi.advanceTimersByTime(lingerMs)
  expect(slow.destroyed).toBe(true)
})

test('a side that breaks takes the other with it', async () => {
  const [broken] = duplexPair()
  const [side] = duplexPair()
  relay(broken, side)
  broken.destroy(new Error('reset'))
  await once(side, 'close')
  expect(side.destroyed).toBe(true)
})
