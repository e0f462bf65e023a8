/** The `components.schemas` part: every type that the paths refer to, and what those refer to. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type FieldSchema,
  type ListType,
  type ScalarName,
  type TypeRef,
  type TypeSchema,
  typeSchema,
} from '../../api/machinery/schema.ts'
import { versionInfo } from '../discovery/version.ts'
import type { Json } from './json.ts'
import type { GroupVersion } from './names.ts'

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1'

/** Types of Go that are written as strings or numbers, published under their own names. */
const wellKnown: Record<string, Json> = {
  [`${metaPackage}.Time`]: { type: 'string', format: 'date-time' },
  [`${metaPackage}.MicroTime`]: { type: 'string', format: 'date-time' },
  [`${metaPackage}.FieldsV1`]: { type: 'object' },
  [`${metaPackage}.Patch`]: { type: 'object' },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': { type: 'object' },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { oneOf: [{ type: 'string' }, { type: 'number' }] },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
}

const scalars: Record<ScalarName, Json> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  time: { $ref: `${metaPackage}.Time` },
  microTime: { $ref: `${metaPackage}.MicroTime` },
  intOrString: { $ref: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString' },
  quantity: { $ref: 'io.k8s.apimachinery.pkg.api.resource.Quantity' },
  any: { $ref: 'io.k8s.apimachinery.pkg.runtime.RawExtension' },
}

const versionFields = Object.keys(versionInfo)

interface TypeDescriptions {
  doc: string
  fields: Record<string, string>
}

export class Components {
  readonly #groupVersions: readonly GroupVersion[]
  readonly #descriptionsDir: string
  readonly #schemas = new Map<string, Json>()
  readonly #descriptions = new Map<string, Record<string, TypeDescriptions>>()

  /** `groupVersions` are all that are served. */
  constructor(groupVersions: readonly GroupVersion[], descriptionsDir?: string) {
    this.#groupVersions = groupVersions
    this.#descriptionsDir = descriptionsDir ?? join(import.meta.dirname, '../../../.cache/descriptions')
  }

  /** Sorted by name. */
  schemas(): Json {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** A reference to a type of the schemas (`apps/v1.Deployment`); the type and all it mentions are added. */
  ref(typeName: string): Json {
    return this.#struct(typeSchema(typeName))
  }

  patchRef(): Json {
    return this.#wellKnown(`${metaPackage}.Patch`)
  }

  /** A reference to the list of a kind, which the schemas do not hold. */
  listRef(typeName: string): Json {
    const item = typeSchema(typeName)
    const name = `${item.package}.${item.name}List`
    if (!this.#schemas.has(name)) {
      const described = this.#describe(item, 'apiVersion')
      this.#schemas.set(name, {
        description: `${item.name}List is a list of ${item.name} objects.`,
        type: 'object',
        required: ['items'],
        properties: {
          apiVersion: { ...described, type: 'string' },
          items: { type: 'array', items: nested(this.ref(typeName)), description: 'The objects of the list.' },
          kind: { ...this.#describe(item, 'kind'), type: 'string' },
          metadata: nested(this.ref('meta/v1.ListMeta')),
        },
        ...kindExtension(`${item.name}List`, this.#homesOf(item)),
      })
    }
    return reference(name)
  }

  /** What `/version` answers with, which is no type of the API. */
  versionRef(): Json {
    const name = 'io.k8s.apimachinery.pkg.version.Info'
    const properties = Object.fromEntries(versionFields.map((field) => [field, { type: 'string', default: '' }]))
    this.#schemas.set(name, {
      description: 'Info contains versioning information.',
      type: 'object',
      required: versionFields,
      properties,
    })
    return reference(name)
  }

  #struct(type: TypeSchema): Json {
    const name = `${type.package}.${type.name}`
    if (!this.#schemas.has(name)) {
      // Taken before it is filled in: types may contain themselves.
      this.#schemas.set(name, {})
      this.#schemas.set(name, this.#describeStruct(type))
    }
    return reference(name)
  }

  #describeStruct(type: TypeSchema): Json {
    const fields = [...type.fields.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    const required = fields.filter((field) => field.required).map((field) => field.name)
    return {
      ...this.#describe(type),
      type: 'object',
      ...(required.length > 0 && { required }),
      properties: Object.fromEntries(fields.map((field) => [field.name, this.#field(type, field)])),
      ...(type.atomic && { 'x-kubernetes-map-type': 'atomic' }),
      ...(isKind(type) && kindExtension(type.name, this.#homesOf(type))),
    }
  }

  /** The shared kinds belong to the core group, except those that every group version accepts as its own. */
  #homesOf({ name, groupVersion }: TypeSchema): readonly GroupVersion[] {
    if (sharedKinds.includes(name)) return this.#groupVersions
    const [version = '', group = ''] = groupVersion.replace('meta/', '').split('/').reverse()
    return [{ group, version }]
  }

  #field(type: TypeSchema, field: FieldSchema): Json {
    const schema = field.name === 'fieldsV1' ? this.#wellKnown(`${metaPackage}.FieldsV1`) : this.#schemaOf(field.ref)
    return {
      ...this.#describe(type, field.name),
      ...('$ref' in schema ? { allOf: [schema] } : schema),
      ...(field.default !== undefined && { default: field.default }),
      ...mergeExtensions(field),
    }
  }

  #schemaOf(ref: TypeRef): Json {
    switch (ref.shape) {
      case 'list':
        return { type: 'array', items: this.#inside(ref.item) }
      case 'map':
        return { type: 'object', additionalProperties: this.#inside(ref.value) }
      case 'struct':
        return this.#struct(ref.type)
      default: {
        const scalar = scalars[ref.name]
        return typeof scalar['$ref'] === 'string' ? this.#wellKnown(scalar['$ref']) : scalar
      }
    }
  }

  #inside(ref: TypeRef): Json {
    const schema = this.#schemaOf(ref)
    if ('$ref' in schema) return nested(schema)
    return schema['type'] === 'string' ? { ...schema, default: '' } : schema
  }

  #wellKnown(name: string): Json {
    if (!this.#schemas.has(name)) this.#schemas.set(name, wellKnown[name] ?? {})
    return reference(name)
  }

  #describe(type: TypeSchema, field?: string): Json {
    const file = `${type.groupVersion.replace('/', '.')}.json`
    let known = this.#descriptions.get(file)
    if (!known) {
      const path = join(this.#descriptionsDir, file)
      known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, TypeDescriptions>) : {}
      this.#descriptions.set(file, known)
    }
    const description = field === undefined ? known[type.name]?.doc : known[type.name]?.fields[field]
    if (description) return { description }
    // The models document a field of an object type at the type.
    const ref = field === undefined ? undefined : type.fields.get(field)?.ref
    return ref?.shape === 'struct' ? this.#describe(ref.type) : {}
  }
}

/** Kinds of every group version. */
const sharedKinds = ['DeleteOptions', 'WatchEvent']
/** Other kinds that are no objects. */
const bareKinds = [...sharedKinds, 'APIGroup', 'APIGroupList', 'APIResourceList', 'APIVersions']

/** Objects of their own; references to objects also have an apiVersion and a kind. */
function isKind({ name, fields, groupVersion }: TypeSchema): boolean {
  if (groupVersion === 'meta/v1' && bareKinds.includes(name)) return true
  return fields.has('apiVersion') && fields.has('kind') && fields.has('metadata')
}

function kindExtension(kind: string, homes: readonly GroupVersion[]): Json {
  return { 'x-kubernetes-group-version-kind': homes.map(({ group, version }) => ({ group, kind, version })) }
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` }
}

/** OpenAPI 3.0 ignores what stands beside a `$ref`; Kubernetes wraps it. */
function nested(ref: Json): Json {
  return { allOf: [ref], default: {} }
}

function mergeExtensions({ mergeKey, mergeSet, retainKeys, replace, listType, mapType }: FieldSchema): Json {
  const known = { merge: mergeKey || mergeSet, retainKeys, replace }
  const strategies = Object.entries(known).flatMap(([name, applies]) => (applies ? [name] : []))
  return {
    ...(mergeKey && { 'x-kubernetes-patch-merge-key': mergeKey }),
    ...(strategies.length > 0 && { 'x-kubernetes-patch-strategy': strategies.join(',') }),
    ...(listType && listExtensions(listType)),
    ...(mapType && { 'x-kubernetes-map-type': mapType }),
  }
}

function listExtensions(list: ListType): Json {
  return {
    'x-kubernetes-list-type': list.type,
    ...(list.type === 'map' && { 'x-kubernetes-list-map-keys': list.keys }),
  }
}
