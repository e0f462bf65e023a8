/**
 * JSON as text: what `JSON.parse` does not tell. Duplicate fields with their paths, and the place of a syntax error in
 * the words of Go's encoding/json, which is what Kubernetes clients see.
 */

/** Go's encoding/json refuses deeper nesting. */
export const depthMax = 10_000

/** What no API type reaches is not looked at: hostile input must not cost more than its size. */
const levelsMax = 64
const pathMax = 4096
const duplicatesMax = 1000

export interface JsonScan {
  /** In document order: `spec.ports[0].name`, as sigs.k8s.io/json writes them. */
  readonly duplicates: readonly { readonly path: string; readonly at: number }[]
  /** Where each field first stands, by path; filled only when asked for. */
  readonly offsets: ReadonlyMap<string, number>
}

interface Level {
  /** Names seen in an object; undefined for a list. */
  readonly names: Set<string> | undefined
  /** Of the value being read inside this level. */
  name: string
  index: number
}

const quote = 0x22
const backslash = 0x5c

/** Reads `text`, which must be valid JSON, for fields that occur twice in one object. */
export function scanJson(text: string, { withOffsets = false } = {}): JsonScan {
  const duplicates: { path: string; at: number }[] = []
  const offsets = new Map<string, number>()
  const levels: Level[] = []
  let level: Level | undefined
  let nameExpected = false
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case quote: {
        const start = i
        i = stringEnd(text, i)
        if (!nameExpected || !level?.names) break
        nameExpected = false
        const name = stringValue(text, start, i)
        level.name = name
        const repeated = level.names.has(name)
        if (!repeated) level.names.add(name)
        if ((!repeated && !withOffsets) || levels.length > levelsMax || duplicates.length >= duplicatesMax) break
        const path = pathOf(levels)
        if (path.length > pathMax) break
        if (repeated) duplicates.push({ path, at: start })
        else offsets.set(path, start)
        break
      }
      case 0x7b: // {
        level = { names: new Set(), name: '', index: 0 }
        levels.push(level)
        nameExpected = true
        break
      case 0x5b: // [
        level = { names: undefined, name: '', index: 0 }
        levels.push(level)
        nameExpected = false
        break
      case 0x7d: // }
      case 0x5d: // ]
        levels.pop()
        level = levels.at(-1)
        nameExpected = false
        break
      case 0x2c: // ,
        if (level?.names) nameExpected = true
        else if (level) level.index++
        break
      default:
    }
  }
  return { duplicates, offsets }
}

/** Index of the closing quote. */
function stringEnd(text: string, start: number): number {
  let i = start + 1
  for (;;) {
    const code = text.charCodeAt(i)
    if (code === quote || Number.isNaN(code)) return i
    i += code === backslash ? 2 : 1
  }
}

function stringValue(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end)
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
}

function pathOf(levels: readonly Level[]): string {
  let path = ''
  for (const { names, name, index } of levels) path += names ? (path ? `.${name}` : name) : `[${index}]`
  return path
}

/** Whether valid JSON goes deeper than `depthMax`. Only brackets are looked at: a string is one step. */
export function nestsTooDeep(text: string): boolean {
  const next = /["{}[\]]/g
  const stringEnd = /(?<!\\)(?:\\\\)*"/g
  let depth = 0
  for (let found = next.exec(text); found; found = next.exec(text)) {
    if (found[0] === '"') {
      stringEnd.lastIndex = next.lastIndex
      if (!stringEnd.exec(text)) return false
      next.lastIndex = stringEnd.lastIndex
    } else if (found[0] === '{' || found[0] === '[') {
      if (++depth > depthMax) return true
    } else depth--
  }
  return false
}

const escapes = /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|[^])/g
const loneSurrogateLength = '\\ud800'.length

/** As Go reads JSON: half of a character, which only an escape can be, is U+FFFD. */
export function wellFormed(text: string): string {
  if (!text.includes('\\ud') && !text.includes('\\uD')) return text
  return text.replace(escapes, (escape) => (escape.length === loneSurrogateLength ? '\\ufffd' : escape))
}

type Expect = 'value' | 'value or ]' | 'key or }' | 'key' | 'colon' | 'object comma' | 'array comma' | 'end'

const where: Record<Expect, string> = {
  value: 'looking for beginning of value',
  'value or ]': 'looking for beginning of value',
  'key or }': 'looking for beginning of object key string',
  key: 'looking for beginning of object key string',
  colon: 'after object key',
  'object comma': 'after object key:value pair',
  'array comma': 'after array element',
  end: 'after top-level value',
}

/** Go's message for the first syntax error in `text`; undefined when it is valid JSON. */
export function jsonSyntaxError(text: string): string | undefined {
  const stack: ('object' | 'array')[] = []
  let expect: Expect = 'value'
  let i = 0
  const afterValue = (): Expect =>
    stack.length === 0 ? 'end' : stack.at(-1) === 'object' ? 'object comma' : 'array comma'
  for (; i < text.length; i++) {
    const c = text.charAt(i)
    if (c === ' ' || c === '\n' || c === '\t' || c === '\r') continue
    if (c === ',' && (expect === 'object comma' || expect === 'array comma')) {
      expect = expect === 'object comma' ? 'key' : 'value'
    } else if (c === '}' && (expect === 'object comma' || expect === 'key or }')) {
      stack.pop()
      expect = afterValue()
    } else if (c === ']' && (expect === 'array comma' || expect === 'value or ]')) {
      stack.pop()
      expect = afterValue()
    } else if (c === ':' && expect === 'colon') {
      expect = 'value'
    } else if (c === '"' && (expect === 'key' || expect === 'key or }')) {
      const end = checkString(text, i)
      if (typeof end === 'string') return end
      i = end
      expect = 'colon'
    } else if (expect === 'value' || expect === 'value or ]') {
      if (c === '{' || c === '[') {
        if (stack.length >= depthMax) return 'exceeded max depth'
        stack.push(c === '{' ? 'object' : 'array')
        expect = c === '{' ? 'key or }' : 'value or ]'
        continue
      }
      const end = c === '"' ? checkString(text, i) : checkLiteral(text, i)
      if (typeof end === 'string') return end
      i = end
      expect = afterValue()
    } else {
      return `invalid character ${quoteChar(c)} ${where[expect]}`
    }
  }
  return expect === 'end' ? undefined : 'unexpected end of JSON input'
}

function quoteChar(c: string): string {
  if (c === "'") return `'\\''`
  if (c === '"') return `'"'`
  if (c < ' ' || c === '\\') return `'${JSON.stringify(c).slice(1, -1).replace('\\u00', '\\x')}'`
  return `'${c}'`
}

/** Index of the closing quote, or what is wrong with the string. */
function checkString(text: string, start: number): number | string {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charAt(i)
    if (c === '"') return i
    if (c < ' ') return `invalid character ${quoteChar(c)} in string literal`
    if (c !== '\\') continue
    const escape = text.charAt(++i)
    if (escape === '') break
    if (escape === 'u') {
      for (let digit = 0; digit < 4; digit++) {
        const h = text.charAt(++i)
        if (h === '') return 'unexpected end of JSON input'
        if (!/[0-9a-fA-F]/.test(h)) return `invalid character ${quoteChar(h)} in \\u hexadecimal character escape`
      }
    } else if (!'"\\/bfnrt'.includes(escape)) {
      return `invalid character ${quoteChar(escape)} in string escape code`
    }
  }
  return 'unexpected end of JSON input'
}

/** Index of the last character of a number, true, false or null; or what is wrong with it. */
function checkLiteral(text: string, start: number): number | string {
  const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
  number.lastIndex = start
  const match = number.exec(text)
  if (match) return start + match[0].length - 1
  const c = text.charAt(start)
  if (c === '-') {
    const next = text.charAt(start + 1)
    return next ? `invalid character ${quoteChar(next)} in numeric literal` : 'unexpected end of JSON input'
  }
  const word = ['true', 'false', 'null'].find((w) => w.startsWith(c))
  if (!word) return `invalid character ${quoteChar(c)} looking for beginning of value`
  for (let k = 1; k < word.length; k++) {
    const got = text.charAt(start + k)
    if (got === '') return 'unexpected end of JSON input'
    if (got !== word[k]) {
      return `invalid character ${quoteChar(got)} in literal ${word} (expecting ${quoteChar(word.charAt(k))})`
    }
  }
  return start + word.length - 1
}
