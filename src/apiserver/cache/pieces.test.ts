import { expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { resources } from '../../client/resources.ts'
import { Registry } from '../registry.ts'
import { Entry } from './entry.ts'
import { type PieceForm, sharedPieces } from './pieces.ts'

const resource = new Registry(definitions).served(resources.configMaps)

function entries(count: number, size: number): Entry[] {
  return Array.from({ length: count }, (_, i) => {
    const metadata = { name: `c${i}`, namespace: 'default' }
    const value = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text: 'x'.repeat(size) } }
    return Entry.fromStored(resource, `${resource.prefix}default/c${i}`, i + 1, Buffer.from(JSON.stringify(value)))
  })
}

const pieceBytes = 64 * 1024
const lines: PieceForm = { id: 'lines', pieceBytes, encode: ({ bytes }) => Buffer.concat([bytes, Buffer.from('\n')]) }
const items: PieceForm = { id: 'items', pieceBytes, separator: Buffer.from(','), encode: ({ bytes }) => bytes }

test.each([
  ['nothing', 0, 0],
  ['one', 1, 10],
  ['many small ones', 1000, 100],
  ['some that are larger than a piece', 3, 100_000],
])('of %s come all, in order, however many readers and forms there are', (_what, count, size) => {
  const state = entries(count, size)
  const texts = state.map((entry) => entry.bytes.toString())
  for (let reader = 0; reader < 2; reader++) {
    expect(Buffer.concat([...sharedPieces(state, items)]).toString()).toBe(texts.join(','))
    expect(Buffer.concat([...sharedPieces(state, lines)]).toString()).toBe(texts.map((text) => `${text}\n`).join(''))
  }
  expect(sharedPieces(state, items).byteLength()).toBe(texts.join(',').length)
})

test('readers of one state share the work; those of another state do not', () => {
  let encoded = 0
  const form: PieceForm = {
    ...lines,
    encode(entry) {
      encoded++
      return lines.encode(entry)
    },
  }
  const state = entries(100, 10)
  const [a, b] = [sharedPieces(state, form), sharedPieces(state, form)]
  expect([...a][0]).toBe([...b][0])
  expect(encoded).toBe(100)
  expect([...sharedPieces(entries(5, 10), form)].length).toBe(1)
  expect(encoded).toBe(105)
})
