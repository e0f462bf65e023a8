import { describe, expect, it } from 'vitest'
import { yamlToJson } from './yaml.ts'

const value = (yaml: string): unknown => JSON.parse(yamlToJson(yaml).text)

describe('YAML is read as Go reads it', () => {
  it.each([
    ['mode: 0644', { mode: 420 }],
    ['mode: 0o17', { mode: 15 }],
    ['k: -010', { k: -8 }],
    ['k: 09', { k: 9 }],
    ['k: 1_000', { k: 1000 }],
    ['k: 0b11', { k: 3 }],
    ['a: yes\nb: Off\nc: n\nd: "yes"\ne: yess', { a: true, b: false, c: false, d: 'yes', e: 'yess' }],
    ['time: 22:22', { time: '22:22' }],
    ['day: 2001-12-14', { day: '2001-12-14' }],
    ['a: &a {x: 1}\nb: {<<: *a, z: 2}\ny: 3', { a: { x: 1 }, b: { x: 1, z: 2 }, true: 3 }],
    ['a: 1\n---\nb: 2', { a: 1 }],
    ['1: a\ntrue: b', { 1: 'a', true: 'b' }],
    ['', null],
    ['# nothing', null],
  ])('%j', (yaml, expected) => {
    expect(value(yaml)).toEqual(expected)
  })
})

describe('what cannot be read is told in the words of the format', () => {
  const levels = 20_000
  it.each([
    ['an anchor in itself', 'metadata: &m {name: a, x: *m}', "anchor 'm' value contains itself"],
    [
      'too many aliases',
      `a: &a [x, x]\nb: &b [${'*a, '.repeat(200)}]\nc: [${'*b, '.repeat(200)}]`,
      /excessive aliasing/,
    ],
    ['lists in lists', '['.repeat(levels), 'exceeded max depth'],
    ['maps in maps', '{a: '.repeat(levels), 'exceeded max depth'],
    ['lists in lists on one line', '- '.repeat(levels), 'exceeded max depth'],
    ['keys in keys', '? '.repeat(levels), 'exceeded max depth'],
    ['a map in a key', 'a: b: c', /^line 1: /],
  ])('%s', (_name, yaml, message) => {
    expect(() => yamlToJson(yaml)).toThrow(message)
  })
})

it('brackets in text are no levels', () => {
  const brackets = '['.repeat(2000)
  expect(value(`a: |\n  ${brackets}\nb: "${brackets}"\nc: x${brackets}`)).toEqual({
    a: `${brackets}\n`,
    b: brackets,
    c: `x${brackets}`,
  })
  expect(value('a: [[], {}]\n'.concat(...Array.from({ length: 2000 }, (_, i) => `k${i}: [{a: []}]\n`)))).toHaveProperty(
    'k1',
  )
})

it('keys that come twice are told with their lines, the last counts', () => {
  const { text, complaints } = yamlToJson('a: 1\nb: {c: 1, c: 2}\na: 3\n')
  expect(JSON.parse(text)).toEqual({ a: 3, b: { c: 2 } })
  expect(complaints).toEqual([
    'yaml: unmarshal errors:\n  line 3: key "a" already set in map\n  line 2: key "c" already set in map',
  ])
})
