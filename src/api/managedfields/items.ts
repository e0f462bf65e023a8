/** The items of lists that merge: which item of one list is which of another. */
import { isObject } from '../machinery/json-object.ts'
import { type ItemsTopology } from './topology.ts'

export interface Item {
  /** `k:{…}` or `v:…`, as in FieldsV1. */
  readonly step: string
  readonly value: unknown
}

/** Keys may repeat: objects from before the API forbade it, and variables of an environment, have such. */
export function itemsOf(list: unknown, topology: ItemsTopology): Item[] | undefined {
  if (!Array.isArray(list)) return undefined
  const items: Item[] = []
  for (const value of list as readonly unknown[]) {
    const step = stepOf(value, topology)
    if (step === undefined) return undefined
    items.push({ step, value })
  }
  return items
}

/** Values by their step, in the order of first occurrence. */
export function byStep(items: readonly Item[]): Map<string, unknown[]> {
  const values = new Map<string, unknown[]>()
  for (const { step, value } of items) {
    const known = values.get(step)
    if (known) known.push(value)
    else values.set(step, [value])
  }
  return values
}

/** undefined: the item cannot be told from others. */
export function stepOf(value: unknown, topology: ItemsTopology): string | undefined {
  if (topology.kind === 'set') return typeof value === 'object' ? undefined : `v:${JSON.stringify(value)}`
  if (!isObject(value)) return undefined
  const keys: Record<string, unknown> = {}
  for (const { name, default: byDefault } of topology.keys) {
    const found = value[name] ?? byDefault
    if (found === undefined) return undefined
    keys[name] = found
  }
  return `k:${JSON.stringify(keys)}`
}
