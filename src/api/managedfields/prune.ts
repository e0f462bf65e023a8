/** What goes when a manager no longer applies it. */
import { define, isObject } from '../machinery/json-object.ts'
import type { FieldSet } from './field-set.ts'
import { itemsOf } from './items.ts'
import { itemTopology, type Topology, unknownField } from './topology.ts'

export interface Ownership {
  /** What the manager applied before. */
  readonly last: FieldSet
  /** What it applies now, and what others own. */
  readonly kept: FieldSet
}

/**
 * Takes out what was applied before and belongs to nobody now. A field of a type counts as owned when something in it
 * is; an item of a list or an entry of a map only by itself. What goes takes along all that is in it, so that a probe
 * leaves nothing of its defaults behind.
 */
export function prune(object: object, topology: Topology, { last, kept }: Ownership): object {
  return pruneIn(object, topology, { last, kept, untouched: true, alive: true }) ?? {}
}

interface At {
  readonly last: FieldSet
  readonly kept: FieldSet | undefined
  /** Nothing on the way here was applied before. */
  readonly untouched: boolean
  /** Everything on the way here is either untouched or kept. */
  readonly alive: boolean
}

/** undefined: nothing is left of it. */
function pruneIn(value: unknown, topology: Topology, at: At): unknown {
  if (topology.kind === 'fields' && isObject(value)) return pruneFields(value, topology, at)
  const items = topology.kind === 'keyed' || topology.kind === 'set' ? itemsOf(value, topology) : undefined
  if (!items || topology.kind === 'whole' || topology.kind === 'fields') return value
  const rest = items.flatMap(({ step, value: item }) => {
    const left = pruneChild(item, itemTopology(topology), { step, declared: false }, at)
    return left === undefined ? [] : [left]
  })
  return rest.length > 0 || items.length === 0 ? rest : undefined
}

function pruneFields(value: Record<string, unknown>, topology: Topology & { kind: 'fields' }, at: At): unknown {
  const rest: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    const field = topology.field(name) ?? unknownField
    const left = pruneChild(inner, field.topology, { step: `f:${name}`, declared: field.declared }, at)
    if (left !== undefined) define(rest, name, left)
  }
  return Object.keys(rest).length > 0 || Object.keys(value).length === 0 ? rest : undefined
}

function pruneChild(
  value: unknown,
  topology: Topology,
  { step, declared }: { step: string; declared: boolean },
  at: At,
): unknown {
  const last = at.last.child(step)
  if (!last) return value
  const kept = at.kept?.child(step)
  const owned = (set: FieldSet | undefined) => set !== undefined && (set.member || (declared && !set.isEmpty))
  const untouched = at.untouched && !owned(last)
  const alive = at.alive && (untouched || owned(kept))
  if (owned(last) && !alive) return undefined
  return pruneIn(value, topology, { last, kept, untouched, alive })
}
