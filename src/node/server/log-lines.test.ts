import { describe, expect, test } from 'vitest'
import { findTail, LineRenderer, parseLogOptions } from './log-lines.ts'
import { exitStatus } from './streams/outcome.ts'

const lines = [
  '2026-01-01T00:00:01.000000001Z stdout F one',
  '2026-01-01T00:00:02.000000001Z stdout P tw',
  '2026-01-01T00:00:02.000000002Z stdout F o',
  '2026-01-01T00:00:03.000000001Z stderr F ',
  '2026-01-01T00:00:04.000000001Z stdout F four words in it',
]
const file = Buffer.from(lines.map((line) => `${line}\n`).join(''))

/** As log-files.ts does it, for a file of one piece. */
function render(query: string): string {
  const options = parseLogOptions(new URLSearchParams(query), new Date('2026-01-01T00:00:05Z'))
  const { start } = findTail(file, options.tailLines ?? Number.POSITIVE_INFINITY)
  const out = Buffer.alloc(file.length)
  return out.toString('utf8', 0, new LineRenderer(options).render(file.subarray(start), out))
}

describe('logs', () => {
  const cases: [string, string][] = [
    ['', 'one\ntwo\n\nfour words in it\n'],
    ['tailLines=1', 'four words in it\n'],
    ['tailLines=3', 'two\n\nfour words in it\n'],
    ['tailLines=99', 'one\ntwo\n\nfour words in it\n'],
    ['tailLines=0', ''],
    ['sinceSeconds=2', '\nfour words in it\n'],
    ['sinceTime=2026-01-01T00:00:04Z', 'four words in it\n'],
    ['stream=All', 'one\ntwo\n\nfour words in it\n'],
    ['stream=Stdout', 'one\ntwo\nfour words in it\n'],
    ['stream=Stderr&timestamps=true', '2026-01-01T00:00:03.000000001Z \n'],
    [
      'tailLines=3&timestamps=true',
      '2026-01-01T00:00:02.000000001Z two\n2026-01-01T00:00:03.000000001Z \n2026-01-01T00:00:04.000000001Z four words in it\n',
    ],
  ]
  test.each(cases)('%s', (query, expected) => expect(render(query)).toBe(expected))

  test('lines are counted from the end', () => {
    expect(findTail(file, 2)).toMatchObject({ found: 2 })
    expect(findTail(file, 9)).toEqual({ start: 0, found: 4 })
    expect(findTail(Buffer.alloc(0), 1)).toEqual({ start: 0, found: 0 })
  })

  test('a bad number is refused', () => expect(() => render('tailLines=x')).toThrow('tailLines must be a number'))
  test('what is no log line is skipped', () => {
    const out = Buffer.alloc(100)
    expect(new LineRenderer({ timestamps: true }).render(Buffer.from('half\n\nhalf a\n'), out)).toBe(0)
  })
})

test("a command's exit code", () => {
  expect(exitStatus(0)).toEqual({ metadata: {}, status: 'Success' })
  expect(exitStatus(7)).toMatchObject({
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '7' }] },
  })
})
