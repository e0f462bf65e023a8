/**
 * YAML as the API server reads it, which is YAML 1.1 in Go's dialect: `yes` is true, `0644` is octal, `<<` merges, only
 * the first document counts. Loaded only when somebody sends YAML: nearly all clients send JSON.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  Lexer,
  LineCounter,
  parseDocument,
  type ScalarTag,
  visit,
  type YAMLMap,
} from 'yaml'

export interface JsonSource {
  readonly text: string
  /** Duplicate keys, in the words of Go's YAML reader. */
  readonly complaints: readonly string[]
}

/** Levels of nesting. What is deeper is nobody's object, and the reader is recursive. */
const depthMax = 500

/** Throws an Error in the words of Go's YAML reader. */
export function yamlToJson(yaml: string): JsonSource {
  const lines = new LineCounter()
  const document = documentOf(yaml, lines)
  for (const { code, message, pos } of document.errors) {
    if (code !== 'MULTIPLE_DOCS') throw new Error(`line ${lines.linePos(pos[0]).line}: ${message}`)
  }
  const duplicates = checkNodes(document, lines)
  const complaints = duplicates.length > 0 ? [`yaml: unmarshal errors:\n${duplicates.join('\n')}`] : []
  return { text: JSON.stringify(valueOf(document) ?? null), complaints }
}

function documentOf(yaml: string, lineCounter: LineCounter): Document {
  if (nestsTooDeep(yaml)) throw new Error('exceeded max depth')
  // The library's own check for unique keys takes time with their square.
  const options = { uniqueKeys: false, merge: true, lineCounter, prettyErrors: false, stringKeys: false }
  return parseDocument(yaml, { ...options, customTags: (tags) => [...goScalars, ...tags] })
}

function valueOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw error instanceof ReferenceError ? new Error('document contains excessive aliasing') : error
  }
}

/** Its own words for a key that comes twice; throws for an anchor whose value contains itself. */
function checkNodes(document: Document, lines: LineCounter): string[] {
  const duplicates: string[] = []
  visit(document, {
    Map: (_key, map) => {
      duplicates.push(...duplicatesOf(map, lines))
    },
    Alias: (_key, { source }, path) => {
      const inItself = path.some((node) => isNode(node) && !isAlias(node) && node.anchor === source)
      if (inItself) throw new Error(`anchor '${source}' value contains itself`)
    },
  })
  return duplicates
}

function duplicatesOf(map: YAMLMap, lines: LineCounter): string[] {
  if (!isMap(map)) return []
  const seen = new Set<string>()
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return []
    const name = String(key.value)
    if (!seen.has(name)) {
      seen.add(name)
      return []
    }
    return [`  line ${lines.linePos(key.range?.[0] ?? 0).line}: key ${JSON.stringify(name)} already set in map`]
  })
}

/** Tokens that open and close a level in brackets, and those that open one on their own line only. */
const opening = new Set(['[', '{'])
const closing = new Set([']', '}'])
const indicators = new Set(['-', '?', ':'])
const scalarFollows = '\x1f'

/** Before the recursive reader sees it. Levels by indentation alone are bounded by the square root of the size. */
function nestsTooDeep(yaml: string): boolean {
  if (yaml.length < depthMax) return false
  let inBrackets = 0
  let onLine = 0
  let scalar = false
  for (const token of new Lexer().lex(yaml)) {
    if (!scalar) {
      if (opening.has(token)) inBrackets++
      else if (closing.has(token)) inBrackets--
      else if (token.includes('\n')) onLine = 0
      else if (inBrackets <= 0 && indicators.has(token)) onLine++
    }
    if (inBrackets > depthMax || onLine > depthMax) return true
    scalar = token === scalarFollows
  }
  return false
}

const bool = 'tag:yaml.org,2002:bool'
const int = 'tag:yaml.org,2002:int'

/** What plain words and digits are to Go's reader, and not to YAML 1.2. */
const goScalars: ScalarTag[] = [
  { tag: bool, default: true, test: /^(?:y|Y|yes|Yes|YES|on|On|ON)$/, resolve: () => true },
  { tag: bool, default: true, test: /^(?:n|N|no|No|NO|off|Off|OFF)$/, resolve: () => false },
  { tag: int, default: true, test: /^[-+]?0[0-7_]+$/, resolve: (text) => inBase(text, 8) },
  { tag: int, default: true, test: /^[-+]?0b[01_]+$/, resolve: (text) => inBase(text.replace('0b', ''), 2) },
  { tag: int, default: true, test: /^[-+]?[1-9][0-9]*_[0-9_]*$/, resolve: (text) => inBase(text, 10) },
]

function inBase(text: string, base: 2 | 8 | 10): number {
  return Number.parseInt(text.replaceAll('_', ''), base)
}
