/** How values of each type merge: field by field, item by item, or only as a whole. */
import { isAtomicMap, isAtomicStruct, listTypeOf } from '../machinery/list-types.ts'
import type { FieldSchema, TypeRef, TypeSchema } from '../machinery/schema.ts'

export type Topology =
  /** Scalars, and what has one owner as a whole. */
  | { readonly kind: 'whole' }
  /** A struct, or a map whose entries have owners of their own. `declared`: the name is the type's, not the user's. */
  | { readonly kind: 'fields'; readonly field: (name: string) => { topology: Topology; declared: boolean } | undefined }
  | { readonly kind: 'keyed'; readonly keys: readonly string[]; readonly item: Topology }
  /** A list of scalars, each of which is there once. */
  | { readonly kind: 'set' }

const whole: Topology = { kind: 'whole' }

/** What a key of an item is when it is left out. */
export const keyDefaults: Readonly<Record<string, unknown>> = { protocol: 'TCP' }

const known = new WeakMap<TypeSchema, Topology>()

export function topologyOfType(type: TypeSchema): Topology {
  let topology = known.get(type)
  if (!topology) {
    topology = structTopology(type)
    known.set(type, topology)
  }
  return topology
}

function structTopology(type: TypeSchema): Topology {
  if (isAtomicStruct(type)) return whole
  return {
    kind: 'fields',
    field(name) {
      const field = type.fields.get(name)
      return field && { topology: topologyOfField(type, field), declared: true }
    },
  }
}

function topologyOfField(owner: TypeSchema, field: FieldSchema): Topology {
  const { ref } = field
  if (ref.shape !== 'list') return isAtomicMap(owner, field) ? whole : topologyOfRef(ref)
  const list = listTypeOf(owner, field)
  switch (list.type) {
    case 'atomic':
      return whole
    case 'set':
      return { kind: 'set' }
    case 'map':
      return { kind: 'keyed', keys: list.keys, item: topologyOfRef(ref.item) }
  }
}

function topologyOfRef(ref: TypeRef): Topology {
  switch (ref.shape) {
    case 'struct':
      return topologyOfType(ref.type)
    case 'map': {
      const entry = { topology: topologyOfRef(ref.value), declared: false }
      return { kind: 'fields', field: () => entry }
    }
    default:
      return whole
  }
}
