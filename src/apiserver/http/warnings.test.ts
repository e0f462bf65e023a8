import { expect, test } from 'vitest'
import { warningHeader } from './warnings.ts'

test.each([
  ['plain', ['unknown field "a"'], '299 - "unknown field \\"a\\""'],
  ['several', ['a', 'b'], '299 - "a", 299 - "b"'],
  ['line breaks and other controls', ['a\r\nb\0c\u007fd'], '299 - "a b c d"'],
  ['characters beyond ASCII, as UTF-8', ['fïeld €'], Buffer.from('299 - "fïeld €"').toString('latin1')],
  ['half characters', ['a\ud800b'], Buffer.from('299 - "a\ufffdb"').toString('latin1')],
  ['too much', ['x'.repeat(5000), 'y'], `299 - "${'x'.repeat(256)}", 299 - "y"`],
])('%s', (_what, warnings, header) => {
  expect(warningHeader(warnings)).toBe(header)
})

test('there is never more than a few kilobytes of it', () => {
  const many = Array.from({ length: 100 }, (_, i) => `${i}${'z'.repeat(1000)}`)
  expect(warningHeader(many).length).toBeLessThan(5000)
})
