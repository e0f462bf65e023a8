/**
 * What is known of each type at run time: field names and types, required fields, defaults, how they merge. Read from
 * `../generated/*.json`, each group version once and only when one of its types is asked for.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type ScalarName =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  | 'time'
  | 'microTime'
  | 'bytes'
  | 'intOrString'
  | 'quantity'
  | 'any'

/** The type of a field, list item or map value. */
export type TypeRef =
  | { readonly shape: 'scalar'; readonly name: ScalarName }
  | { readonly shape: 'list'; readonly item: TypeRef }
  | { readonly shape: 'map'; readonly value: TypeRef }
  | { readonly shape: 'struct'; readonly type: TypeSchema }

/** How several managers share a list (`+listType`, `+listMapKey`). */
export type ListType =
  | { readonly type: 'atomic' }
  /** Scalars, each of which is there once. */
  | { readonly type: 'set' }
  | { readonly type: 'map'; readonly keys: readonly string[] }

export interface FieldSchema {
  readonly name: string
  readonly ref: TypeRef
  readonly required: boolean
  /** Lists of objects merge by this key in strategic merge patches; absent: the list is atomic. */
  readonly mergeKey?: string
  /** Lists of primitives that merge as sets. */
  readonly mergeSet?: boolean
  readonly retainKeys?: boolean
  /** Objects that strategic merge patches replace instead of merging. */
  readonly replace?: boolean
  /** Of lists only. */
  readonly listType?: ListType
  /** Maps and structs that are shared otherwise than their type is (`+mapType`, `+structType`). */
  readonly mapType?: 'atomic' | 'granular'
  /** As published in OpenAPI. */
  readonly default?: unknown
}

export interface TypeSchema {
  /** `Service` */
  readonly name: string
  /** `v1`, `apps/v1`, `meta/v1` */
  readonly groupVersion: string
  /** As published in OpenAPI: `io.k8s.api.core.v1`. */
  readonly package: string
  /** Owned as a whole wherever it occurs (`+structType=atomic`). */
  readonly atomic: boolean
  readonly fields: ReadonlyMap<string, FieldSchema>
}

interface GeneratedType {
  fields: Record<string, string>
  required?: string[]
  merge?: Record<string, string>
  fieldTypes?: Record<string, string>
  defaults?: Record<string, unknown>
  atomic?: true
}

interface GeneratedGroupVersion {
  gv: string
  package: string
  types: Record<string, GeneratedType>
}

const generated = join(import.meta.dirname, '../generated')
const groupVersions = new Map<string, GeneratedGroupVersion | undefined>()
const compiled = new Map<string, TypeSchema>()

const scalarNames: ReadonlySet<string> = new Set<ScalarName>([
  'string',
  'boolean',
  'int32',
  'int64',
  'double',
  'time',
  'microTime',
  'bytes',
  'intOrString',
  'quantity',
  'any',
])

function load(groupVersion: string): GeneratedGroupVersion | undefined {
  if (groupVersions.has(groupVersion)) return groupVersions.get(groupVersion)
  const file = join(generated, `${groupVersion.replace('/', '.')}.json`)
  const known = /^[a-z0-9./-]+$/.test(groupVersion) && !groupVersion.includes('..') && existsSync(file)
  const content = known ? (JSON.parse(readFileSync(file, 'utf8')) as GeneratedGroupVersion) : undefined
  if (groupVersions.size < 100 || content) groupVersions.set(groupVersion, content)
  return content
}

/** The schema of `v1.Service`, `apps/v1.Deployment`, …; undefined when there is no such type. */
export function findType(typeName: string): TypeSchema | undefined {
  const known = compiled.get(typeName)
  if (known) return known
  const dot = typeName.lastIndexOf('.')
  const content = load(typeName.slice(0, dot))
  const name = typeName.slice(dot + 1)
  const source = content && Object.hasOwn(content.types, name) ? content.types[name] : undefined
  if (!content || !source) return undefined
  const type = new CompiledType(name, content, source)
  compiled.set(typeName, type)
  return type
}

/** As `findType`; an unknown name is a broken invariant. */
export function typeSchema(typeName: string): TypeSchema {
  const type = findType(typeName)
  if (!type) throw new Error(`no schema of type ${typeName}`)
  return type
}

/** Names of all types of a group version, or none when it is unknown. */
export function typeNames(groupVersion: string): string[] {
  return Object.keys(load(groupVersion)?.types ?? {})
}

class CompiledType implements TypeSchema {
  readonly name: string
  readonly groupVersion: string
  readonly package: string
  readonly atomic: boolean
  readonly #source: GeneratedType
  #fields: Map<string, FieldSchema> | undefined

  constructor(name: string, from: GeneratedGroupVersion, source: GeneratedType) {
    this.name = name
    this.groupVersion = from.gv
    this.package = from.package
    this.atomic = source.atomic ?? false
    this.#source = source
  }

  /** Compiled at first use: types refer to each other, some to themselves. */
  get fields(): ReadonlyMap<string, FieldSchema> {
    this.#fields ??= new Map(Object.entries(this.#source.fields).map(([name, text]) => [name, this.#field(name, text)]))
    return this.#fields
  }

  #field(name: string, text: string): FieldSchema {
    const ref = parseRef(text, this.groupVersion)
    const [key = '', ...strategies] = (this.#source.merge?.[name] ?? '').split(',')
    const primitives = ref.shape === 'list' && ref.item.shape === 'scalar'
    const required = this.#source.required?.includes(name) ?? false
    const fieldType = this.#source.fieldTypes?.[name]
    const byDefault = this.#source.defaults?.[name]
    return {
      name,
      ref,
      required,
      ...(key && !primitives && { mergeKey: key }),
      ...(key === 'merge' && primitives && { mergeSet: true }),
      ...(strategies.includes('retainKeys') && { retainKeys: true }),
      ...(strategies.includes('replace') && { replace: true }),
      ...(ref.shape === 'list' && { listType: parseListType(fieldType) }),
      ...(ref.shape !== 'list' && fieldType && { mapType: fieldType as 'atomic' | 'granular' }),
      ...(byDefault === undefined && (required || this.#isPartOfKind(name)) && zeroOf(ref)),
      ...(byDefault !== undefined && byDefault !== null && { default: byDefault }),
    }
  }

  #isPartOfKind(name: string): boolean {
    const { fields } = this.#source
    return ['metadata', 'spec', 'status'].includes(name) && 'kind' in fields && 'metadata' in fields
  }
}

function parseListType(text = 'atomic'): ListType {
  return text === 'atomic' || text === 'set' ? { type: text } : { type: 'map', keys: text.split(',') }
}

/** The default of what is always written. */
function zeroOf(ref: TypeRef): { default: unknown } | undefined {
  if (ref.shape === 'struct') return { default: {} }
  if (ref.shape !== 'scalar') return undefined
  switch (ref.name) {
    case 'string':
      return { default: '' }
    case 'boolean':
      return { default: false }
    case 'int32':
    case 'int64':
    case 'double':
      return { default: 0 }
    default:
      return undefined
  }
}

function parseRef(text: string, groupVersion: string): TypeRef {
  if (text.startsWith('[]')) return { shape: 'list', item: parseRef(text.slice(2), groupVersion) }
  if (text.startsWith('{}')) return { shape: 'map', value: parseRef(text.slice(2), groupVersion) }
  if (scalarNames.has(text)) return { shape: 'scalar', name: text as ScalarName }
  if (text === 'object') return { shape: 'scalar', name: 'any' }
  return { shape: 'struct', type: typeSchema(text.includes('.') ? text : `${groupVersion}.${text}`) }
}
