import { expect, test } from 'vitest'
import { sameValue } from './strategy.ts'

test.each<[unknown, unknown, boolean]>([
  [{ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 }, true],
  [{ a: 1 }, { a: 1, b: undefined }, true],
  [{ a: 1, b: null }, { a: 1 }, true],
  [{ a: [] }, {}, true],
  [{}, { a: [] }, true],
  [{ a: {} }, {}, false],
  [{ a: [1] }, {}, false],
  [[1, 2], [2, 1], false],
  [[{ a: 1 }], [{ a: 1 }], true],
  [{ a: '1' }, { a: 1 }, false],
  [{ a: 0 }, {}, false],
  [undefined, null, true],
])('%j and %j are the same: %s', (a, b, expected) => {
  expect(sameValue(a, b)).toBe(expected)
  expect(sameValue(b, a)).toBe(expected)
})
