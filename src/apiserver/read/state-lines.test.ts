import { expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { Entry } from '../cache/entry.ts'
import { type Flavour, plainFlavour } from '../cache/event.ts'
import { Registry } from '../registry.ts'
import { sharedStateLines } from './state-lines.ts'

const resource = new Registry(definitions).find('', 'v1', 'configmaps')!

function entries(count: number, size: number): Entry[] {
  return Array.from({ length: count }, (_, i) => {
    const metadata = { name: `c${i}`, namespace: 'default' }
    const value = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text: 'x'.repeat(size) } }
    return Entry.fromStored(resource, `${resource.prefix}default/c${i}`, i + 1, Buffer.from(JSON.stringify(value)))
  })
}

test.each([
  ['nothing', 0, 0],
  ['one', 1, 10],
  ['many small ones', 1000, 100],
  ['some that are larger than a piece', 3, 100_000],
])('of %s come all, in order, however many readers there are', (_what, count, size) => {
  const state = entries(count, size)
  const expected = state.map((entry) => plainFlavour.encode({ type: 'ADDED', entry }).toString()).join('')
  const readers = [sharedStateLines(state, plainFlavour), sharedStateLines(state, plainFlavour)]
  for (const reader of readers) expect(Buffer.concat([...reader]).toString()).toBe(expected)
})

test('readers of one state share the work; those of another state do not', () => {
  let encoded = 0
  const flavour: Flavour = {
    id: 'counted',
    encode(notice) {
      encoded++
      return plainFlavour.encode(notice)
    },
  }
  const state = entries(100, 10)
  const [a, b] = [sharedStateLines(state, flavour), sharedStateLines(state, flavour)]
  expect(a.next().value).toBe(b.next().value)
  expect(encoded).toBe(100)
  expect([...sharedStateLines(entries(5, 10), flavour)].length).toBe(1)
  expect(encoded).toBe(105)
})
