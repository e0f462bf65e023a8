/** What a client accepts: as JSON or YAML, as the object itself, as a Table, or its metadata only. */
import { notAcceptable } from './errors.ts'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface Accepted {
  readonly format: 'json' | 'yaml'
  readonly as: 'object' | 'table' | 'metadata'
}

const plain: Accepted = { format: 'json', as: 'object' }

/** The first clause this server can serve. Transformations it does not know fall through to the next clause. */
export function negotiate(accept: string | undefined): Accepted {
  if (!accept || accept === 'application/json' || accept === '*/*') return plain
  for (const clause of accept.split(',')) {
    const accepted = acceptClause(clause)
    if (accepted) return accepted
  }
  throw notAcceptable(['application/json', 'application/yaml'])
}

function acceptClause(clause: string): Accepted | undefined {
  const [type = '', ...parameters] = clause.split(';').map((part) => part.trim())
  const format = formatOf(type)
  if (!format) return undefined
  const given = new Map(parameters.map((parameter) => splitAt(parameter, '=')))
  const as = given.get('as')
  if (as === undefined) return { format, as: 'object' }
  if (given.get('g') !== 'meta.k8s.io' || given.get('v') !== 'v1') return undefined
  if (as === 'Table') return { format, as: 'table' }
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { format, as: 'metadata' }
  return undefined
}

function formatOf(type: string): Accepted['format'] | undefined {
  switch (type.toLowerCase()) {
    case 'application/json':
    case 'application/*':
    case '*/*':
      return 'json'
    case 'application/yaml':
      return 'yaml'
    default:
      return undefined
  }
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
