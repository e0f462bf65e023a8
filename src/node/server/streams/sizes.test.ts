import { expect, test } from 'vitest'
import { SizeReader } from './sizes.ts'

test('sizes are read from pieces that are cut anywhere', () => {
  const text = '{"Width":80,"Height":24}\n{"Width":100,"Height":40}{"Height":1,"Width":2}'
  for (const length of [1, 5, 24, text.length]) {
    const reader = new SizeReader()
    const sizes = []
    for (let at = 0; at < text.length; at += length)
      sizes.push(...reader.read(Buffer.from(text.slice(at, at + length))))
    expect(sizes.map(({ columns, rows }) => `${columns}x${rows}`)).toEqual(['80x24', '100x40', '2x1'])
  }
})

test('what is no size is passed over, and is not kept', () => {
  const reader = new SizeReader()
  for (const text of [
    '{}',
    '{"Width":0,"Height":0}',
    '{"Width":1e9,"Height":1}',
    '{"Width":"80","Height":24}',
    '{x}',
    '}{',
  ]) {
    expect(reader.read(Buffer.from(text)), text).toEqual([])
  }
  expect(reader.read(Buffer.alloc(1_000_000, '{'))).toEqual([])
  expect(reader.read(Buffer.from('{"Width":3,"Height":4}'))).toEqual([{ columns: 3, rows: 4 }])
})
