import { describe, expect, test } from 'vitest'
import { Backoff } from './backoff.ts'

describe('restarting a part', () => {
  test('at once the first time, then ever later, up to a bound', () => {
    const backoff = new Backoff()
    const delays = Array.from({ length: 10 }, () => backoff.next(1))
    expect(delays).toEqual([0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  })

  test('a long run forgives what was before', () => {
    const backoff = new Backoff()
    backoff.next(1)
    backoff.next(1)
    expect(backoff.next(60_000)).toBe(0)
    expect(backoff.next(1)).toBe(100)
  })
})
