/** How values of each type merge: field by field, item by item, or only as a whole. */
import type { FieldSchema, ListType, TypeRef, TypeSchema } from '../machinery/schema.ts'

export type Topology =
  /** Scalars, and what has one owner as a whole. */
  | { readonly kind: 'whole' }
  /** A struct, or a map whose entries have owners of their own. */
  | { readonly kind: 'fields'; readonly field: (name: string) => FieldTopology | undefined }
  | { readonly kind: 'keyed'; readonly keys: readonly Key[]; readonly item: Topology }
  /** A list of scalars, each of which is there once. */
  | { readonly kind: 'set' }

export interface FieldTopology {
  readonly topology: Topology
  /** The name is the type's, not the user's. */
  readonly declared: boolean
  /** What Go has where nothing was given: such a field never comes or goes, only what is in it does. */
  readonly zero: unknown
}

export type ItemsTopology = Extract<Topology, { kind: 'keyed' | 'set' }>

/** What tells the items of a list apart. `default`: its value where it is left out; undefined: it may not be. */
export interface Key {
  readonly name: string
  readonly default: unknown
}

const whole: Topology = { kind: 'whole' }

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
  return type.atomic ? whole : fieldsTopology(type)
}

function fieldsTopology(type: TypeSchema): Topology {
  return {
    kind: 'fields',
    field(name) {
      const field = type.fields.get(name)
      return field && { topology: topologyOfField(field), declared: true, zero: zeroOf(field) }
    },
  }
}

function zeroOf({ ref, required, default: byDefault }: FieldSchema): unknown {
  if (ref.shape === 'list') return required ? null : undefined
  return ref.shape === 'struct' ? byDefault : undefined
}

function topologyOfField({ ref, listType, mapType }: FieldSchema): Topology {
  if (mapType === 'atomic') return whole
  if (ref.shape === 'struct' && mapType === 'granular') return fieldsTopology(ref.type)
  return ref.shape === 'list' && listType ? topologyOfList(ref.item, listType) : topologyOfRef(ref)
}

export function topologyOfList(item: TypeRef, list: ListType): Topology {
  switch (list.type) {
    case 'atomic':
      return whole
    case 'set':
      return { kind: 'set' }
    case 'map': {
      const fields = item.shape === 'struct' ? item.type.fields : undefined
      const keys = [...list.keys].sort().map((name) => ({ name, default: fields?.get(name)?.default }))
      return { kind: 'keyed', keys, item: topologyOfRef(item) }
    }
  }
}

function topologyOfRef(ref: TypeRef): Topology {
  switch (ref.shape) {
    case 'struct':
      return topologyOfType(ref.type)
    case 'map': {
      const entry = { topology: topologyOfRef(ref.value), declared: false, zero: undefined }
      return { kind: 'fields', field: () => entry }
    }
    default:
      return whole
  }
}

/** A name that its type does not have. */
export const unknownField: FieldTopology = { topology: whole, declared: false, zero: undefined }

export function fieldTopology(topology: Topology & { kind: 'fields' }, name: string): Topology {
  return topology.field(name)?.topology ?? whole
}

export function itemTopology(topology: ItemsTopology): Topology {
  return topology.kind === 'keyed' ? topology.item : whole
}

export function ownValue(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
