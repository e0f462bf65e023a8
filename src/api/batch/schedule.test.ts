import { describe, expect, test } from 'vitest'
import { parseDuration } from '../machinery/duration.ts'
import { parseSchedule } from './schedule.ts'
import { wallClock } from './wall-clock.ts'

const after = (schedule: string, time: string, zone?: string) => {
  const next = parseSchedule(schedule, zone).next(Date.parse(time))
  return next === undefined ? undefined : new Date(next).toISOString().slice(0, 16)
}

describe('the time after', () => {
  test.each<[string, string, string]>([
    ['* * * * *', '2026-11-21T00:00:00Z', '2026-11-21T00:01'],
    ['* * * * *', '2026-11-21T00:00:59.9Z', '2026-11-21T00:01'],
    ['*/15 * * * *', '2026-11-21T00:46:00Z', '2026-11-21T01:00'],
    ['5/20 * * * *', '2026-11-21T00:06:00Z', '2026-11-21T00:25'],
    ['0 9-17/4 * * MON-fri', '2026-11-21T00:00:00Z', '2026-11-23T09:00'],
    ['30 4 1,15 * 5', '2026-11-21T00:00:00Z', '2026-11-27T04:30'],
    ['30 4 15 * *', '2026-11-21T00:00:00Z', '2026-12-15T04:30'],
    ['0 0 29 2 *', '2026-11-21T00:00:00Z', '2028-02-29T00:00'],
    ['0 0 ? jan ?', '2026-11-21T00:00:00Z', '2027-01-01T00:00'],
    ['@monthly', '2026-11-21T00:00:00Z', '2026-12-01T00:00'],
    ['@hourly', '2026-12-31T23:30:00Z', '2027-01-01T00:00'],
    ['@every 1h30m', '2026-11-21T00:00:00.7Z', '2026-11-21T01:30'],
    ['TZ=Asia/Tokyo 0 9 * * *', '2026-11-21T00:00:00Z', '2026-11-22T00:00'],
  ])('%s, at %s', (schedule, time, expected) => expect(after(schedule, time)).toBe(expected))

  test('a day that never comes', () => expect(after('0 0 31 2 *', '2026-11-21T00:00:00Z')).toBeUndefined())

  test('an hour that the clock skips is skipped, one that it shows twice counts twice', () => {
    const zone = 'America/New_York'
    expect(after('30 2 * * *', '2026-03-08T05:00:00Z', zone)).toBe('2026-03-09T06:30')
    expect(after('30 1 * * *', '2026-11-01T04:00:00Z', zone)).toBe('2026-11-01T05:30')
    expect(after('30 1 * * *', '2026-11-01T05:30:00Z', zone)).toBe('2026-11-01T06:30')
  })

  test('a day that begins at one', () => {
    expect(after('0 12 6 9 *', '2026-01-01T00:00:00Z', 'America/Santiago')).toBe('2026-09-06T15:00')
  })
})

test.each([
  ['', 'empty spec string'],
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['5-3 * * * *', 'beginning of range (5) beyond end of range (3): 5-3'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
  ['@never', 'unrecognized descriptor: @never'],
  ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
  ['TZ=Nowhere * * * * *', 'provided bad location Nowhere: unknown time zone Nowhere'],
])('%j is no schedule', (text, message) => expect(() => parseSchedule(text)).toThrow(message))

test('durations', () => {
  expect(['1h30m', '1.5s', '-2ms', '0'].map(parseDuration)).toEqual([5_400_000, 1500, -2, 0])
  expect(parseDuration('3')).toBe('time: missing unit in duration "3"')
  expect(parseDuration('3d')).toBe('time: unknown unit "d" in duration "3d"')
})

test('times of a zone are written with its offset', () => {
  const time = Date.parse('2026-11-21T00:00:00Z')
  expect(wallClock('UTC').format(time)).toBe('2026-11-21T00:00:00Z')
  expect(wallClock('America/New_York').format(time)).toBe('2026-11-20T19:00:00-05:00')
  expect(wallClock('Asia/Kolkata').format(time)).toBe('2026-11-21T05:30:00+05:30')
})
