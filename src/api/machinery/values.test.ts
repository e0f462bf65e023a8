import { describe, expect, test } from 'vitest'
import { canonicalQuantity, compareQuantities, quantityMilliValue, quantityValue } from './quantity.ts'
import { age, canonicalMicroTime, canonicalTime, formatMicroTime, formatTime, humanDuration } from './time.ts'

describe('quantities', () => {
  test.each([
    ['0', '0'],
    ['0.5', '500m'],
    ['100m', '100m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['1.5', '1500m'],
    ['1024Ki', '1Mi'],
    ['1500Mi', '1500Mi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Ki', '512'],
    ['1000', '1k'],
    ['123456', '123456'],
    ['1e3', '1e3'],
    ['12E6', '12e6'],
    ['1E', '1E'],
    ['-5m', '-5m'],
    ['+2', '2'],
    ['.5', '500m'],
    ['1.', '1'],
    ['0.0000000001', '1n'],
    ['1n', '1n'],
    ['5000000u', '5'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical)
    expect(canonicalQuantity(canonical)).toBe(canonical)
    expect(compareQuantities(text, canonical)).toBe(0)
  })

  test.each(['', 'x', '1x', '1 Gi', '1.2.3', '--1', '1Kii', '.', 'e3', '1e'])('%j is none', (text) =>
    expect(() => canonicalQuantity(text)).toThrow(/quantit/),
  )

  test('compare by value, and round up to whole units', () => {
    expect(compareQuantities('1Gi', '1G')).toBe(1)
    expect(compareQuantities('999m', '1')).toBe(-1)
    expect([quantityValue('1500m'), quantityMilliValue('1.5'), quantityValue('1Ki')]).toEqual([2, 1500, 1024])
  })

  test('exponents of any size end soon', () => expect(compareQuantities('1e400', '1e300')).toBe(0))
})

describe('times', () => {
  const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000]

  test.each([
    [-5 * second, '<invalid>'],
    [-1 * second, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [5 * minute + 5 * second, '5m5s'],
    [10 * minute, '10m'],
    [33 * minute + 20 * second, '33m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [7 * hour + 59 * minute, '7h59m'],
    [8 * hour + 5 * minute, '8h'],
    [47 * hour, '47h'],
    [48 * hour, '2d'],
    [2 * day + 3 * hour, '2d3h'],
    [8 * day + 3 * hour, '8d'],
    [729 * day, '729d'],
    [2 * 365 * day, '2y'],
    [2 * 365 * day + 10 * day, '2y10d'],
    [9 * 365 * day, '9y'],
  ])('an age of %d ms is printed as %s', (ms, text) => expect(humanDuration(ms)).toBe(text))

  test('an unknown age', () => {
    const now = new Date('2026-01-01T00:05:05Z')
    expect([age(undefined, now), age('2026-01-01T00:00:00Z', now)]).toEqual(['<unknown>', '5m5s'])
  })

  test('are written in UTC', () => {
    const date = new Date('2026-01-02T03:04:05.678Z')
    expect([formatTime(date), formatMicroTime(date)]).toEqual(['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.678000Z'])
    expect(canonicalTime('2026-01-01T00:30:00.9+01:00')).toBe('2025-12-31T23:30:00Z')
    expect(canonicalMicroTime('2026-01-01T00:00:00.1234567Z')).toBe('2026-01-01T00:00:00.123456Z')
  })

  test.each(['2026-02-30T00:00:00Z', '2026-01-01T25:00:00Z', '2026-01-01', '2026-01-01T00:00:00', 'x'])(
    '%s is none',
    (text) => expect(canonicalTime(text)).toBeUndefined(),
  )
})
