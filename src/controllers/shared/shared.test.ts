import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import { slowStart } from './batch.ts'
import { Expectations } from './expectations.ts'
import { canonicalJson, sameJson, templateHash } from './hash.ts'
import { scaledValue } from './numbers.ts'

describe('template hashes', () => {
  const spec = { containers: [{ name: 'web', image: 'web:1' }] }
  test('depend on content alone, not on the order of keys or on absent fields', () => {
    const a = templateHash({ metadata: { name: '', labels: { a: '1', b: '2' } }, spec })
    const b = templateHash({ spec: { ...spec }, metadata: { labels: { b: '2', a: '1' }, name: '' } })
    expect(a).toBe(b)
    expect(a).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]+$/)
  })
  test('differ by image and by collision count', () => {
    const other = { containers: [{ name: 'web', image: 'web:2' }] }
    expect(new Set([templateHash({ spec }), templateHash({ spec: other }), templateHash({ spec }, 1)]).size).toBe(3)
  })
  test('canonical text leaves out what is absent and keeps lists in order', () => {
    expect(canonicalJson({ b: [2, 1], a: undefined, c: { y: 1, x: null } })).toBe('{"b":[2,1],"c":{"y":1}}')
    expect(sameJson(undefined, null)).toBe(true)
    expect(sameJson({ a: 1 }, { a: 2 })).toBe(false)
  })
})

test('percentages round as asked', () => {
  expect([scaledValue('25%', 3, 'up'), scaledValue('25%', 3, 'down'), scaledValue(2, 3, 'up')]).toEqual([1, 0, 2])
  expect(scaledValue(undefined, 3, 'up')).toBe(0)
})

describe('slow start', () => {
  test('doubles its batches', async () => {
    const running: number[] = []
    let now = 0
    await slowStart(8, async () => {
      running.push(++now)
      await Promise.resolve()
      now--
    })
    expect(running).toEqual([1, 1, 2, 1, 2, 3, 4, 1])
  })
  test('stops after the batch that failed', async () => {
    let calls = 0
    const failing = slowStart(100, async () => {
      if (++calls === 3) throw new Error('quota')
    })
    await expect(failing).rejects.toThrow('quota')
    expect(calls).toBe(3)
  })
})

describe('expectations', () => {
  const created = (uid: string) => async () => ({ metadata: { uid } })
  test('hold until the cache shows what was created', async () => {
    const expectations = new Expectations(new FakeClock())
    await expectations.creating('demo/web', created('a'))
    expect(expectations.waitMs('demo/web')).toBeGreaterThan(0)
    expectations.observedCreation('demo/web', 'other')
    expect(expectations.waitMs('demo/web')).toBeGreaterThan(0)
    expectations.observedCreation('demo/web', 'a')
    expect(expectations.waitMs('demo/web')).toBe(0)
  })
  test('know an event that overtook the answer', async () => {
    const expectations = new Expectations(new FakeClock())
    await expectations.creating('demo/web', async () => {
      expectations.observedCreation('demo/web', 'a')
      return { metadata: { uid: 'a' } }
    })
    expect(expectations.waitMs('demo/web')).toBe(0)
  })
  test('expect nothing of a request that failed', async () => {
    const expectations = new Expectations(new FakeClock())
    const refused = () => Promise.reject(new Error('no'))
    await expect(expectations.creating('demo/web', refused)).rejects.toThrow('no')
    await expect(expectations.deleting('demo/web', 'a', refused)).rejects.toThrow('no')
    expect(expectations.waitMs('demo/web')).toBe(0)
  })
  test('give up after five minutes', async () => {
    const clock = new FakeClock()
    const expectations = new Expectations(clock)
    await expectations.deleting('demo/web', 'a', async () => {})
    expect(expectations.waitMs('demo/web')).toBeGreaterThan(0)
    clock.advance(5 * 60_000)
    expect(expectations.waitMs('demo/web')).toBe(0)
  })
})
