import { expect, test } from 'vitest'
import { lastAppliedOf, withLastApplied } from './last-applied.ts'

const name = 'kubectl.kubernetes.io/last-applied-configuration'

test('the last applied configuration is written as kubectl does, without itself', () => {
  const annotations = { x: 'y', [name]: 'before' }
  const config = { kind: 'K', data: { b: [{ d: 1, c: null }], a: '1' }, metadata: { name: 'n', annotations } }
  const written = withLastApplied(annotations, config)
  expect(written).toEqual({
    x: 'y',
    [name]: '{"data":{"a":"1","b":[{"c":null,"d":1}]},"kind":"K","metadata":{"annotations":{"x":"y"},"name":"n"}}\n',
  })
  expect(lastAppliedOf({ name: 'n', ...(written && { annotations: written }) })).toBe(written?.[name])
})

test('it is left out where annotations would be too large', () => {
  const config = { metadata: { name: 'n' }, data: { a: 'x'.repeat(256 * 1024) } }
  expect(withLastApplied({ x: 'y', [name]: 'before' }, config)).toEqual({ x: 'y' })
})
