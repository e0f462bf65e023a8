/** What a client accepts: as JSON, YAML or protobuf, as the object itself, as a Table, or its metadata only; compressed. */
import { notAcceptable } from './errors.ts'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface Accepted {
  readonly format: 'json' | 'yaml' | 'protobuf'
  readonly as: 'object' | 'table' | 'metadata'
}

type Format = Accepted['format']

/** By format, in the order in which a client that accepts anything is served. */
export const mediaTypes: Readonly<Record<Format, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
}
const formats = Object.keys(mediaTypes) as Format[]

const plain: Accepted = { format: 'json', as: 'object' }

/** What a request about a resource is answered in: the first clause, by weight, that can be served. Throws 406. */
export function negotiate(accept: string | undefined): Accepted {
  return acceptedOf(accept, printed)
}

/** The same for what is never printed as a Table. */
export function negotiateUnprinted(accept: string | undefined): Accepted {
  return acceptedOf(accept, unprinted)
}

function acceptedOf(accept: string | undefined, forms: Forms): Accepted {
  if (!accept || accept === 'application/json' || accept === '*/*') return plain
  const accepted = remembered(accept, forms)
  if (!accepted) throw notAcceptable(Object.values(mediaTypes))
  return accepted
}

/** The same where there is no object to make something else of: errors, discovery. undefined: nothing acceptable. */
export function negotiateFormat(accept: string | undefined): Format | undefined {
  if (!accept || accept === 'application/json') return 'json'
  return firstOf(clausesOf(accept), (clause, format) => (represents(clause, format) === 'object' ? format : undefined))
}

/** What there is to choose from. */
interface Forms {
  readonly tables: boolean
  /** By header: clients send few different ones, each of them often. */
  readonly known: Map<string, Accepted | undefined>
}
const printed: Forms = { tables: true, known: new Map() }
const unprinted: Forms = { tables: false, known: new Map() }
const knownMax = 200
/** Nobody's but a trickster's is longer. */
const knownLengthMax = 1000

function remembered(accept: string, { tables, known }: Forms): Accepted | undefined {
  if (known.has(accept)) return known.get(accept)
  const accepted = firstOf(clausesOf(accept), (clause, format): Accepted | undefined => {
    const as = represents(clause, format)
    return as && (as !== 'table' || tables) ? { format, as } : undefined
  })
  if (known.size === knownMax) known.clear()
  if (accept.length <= knownLengthMax) known.set(accept, accepted)
  return accepted
}

export interface Clause {
  readonly type: string
  readonly subtype: string
  readonly parameters: ReadonlyMap<string, string>
  readonly weight: number
}

function firstOf<T>(clauses: readonly Clause[], find: (clause: Clause, format: Format) => T | undefined) {
  for (const clause of clauses) {
    for (const format of formats) {
      const found = matches(clause, format) ? find(clause, format) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

function matches({ type, subtype }: Clause, format: Format): boolean {
  if (type === '*') return subtype === '*'
  return mediaTypes[format] === `${type}/${subtype}` || (type === 'application' && subtype === '*')
}

/** undefined: a transformation that is not served, in this format or at all. */
function represents({ parameters }: Clause, format: Format): Accepted['as'] | undefined {
  const stream = parameters.get('stream')
  if (stream && (stream !== 'watch' || format === 'yaml')) return undefined
  if (!['as', 'g', 'v'].some((name) => parameters.has(name))) return 'object'
  if (parameters.get('g') !== 'meta.k8s.io' || parameters.get('v') !== 'v1') return undefined
  switch (parameters.get('as')) {
    case 'Table':
      // Its cells may be anything, which has no message.
      return format === 'protobuf' ? undefined : 'table'
    case 'PartialObjectMetadata':
    case 'PartialObjectMetadataList':
      return 'metadata'
    default:
      return undefined
  }
}

/** By weight; among equals a wildcard comes last. RFC 9110 12.5.1 */
export function clausesOf(accept: string): Clause[] {
  const wildcards = ({ type, subtype }: Clause) => Number(type === '*') + Number(subtype === '*')
  return accept
    .split(',')
    .flatMap(parseClause)
    .sort((a, b) => b.weight - a.weight || wildcards(a) - wildcards(b))
}

function parseClause(text: string): Clause[] {
  const [name = '', ...rest] = text.split(';').map((part) => part.trim())
  const [type = '', subtype = type === '*' ? '*' : undefined] = name.split('/')
  if (subtype === undefined) return []
  const parameters = new Map(rest.map((parameter) => splitAt(parameter, '=')))
  const weight = Number.parseFloat(parameters.get('q') ?? '1')
  return [{ type, subtype, parameters, weight: Number.isNaN(weight) ? 1 : weight }]
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** Whether an Accept-Encoding has gzip. RFC 9110 12.5.3 */
export function acceptsGzip(acceptEncoding: string | readonly string[] = ''): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(String(acceptEncoding))
}
