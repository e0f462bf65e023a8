/** The items of lists that merge: which item of one list is which of another. */
import type { Topology } from './topology.ts'

/** What was applied cannot be read as its type; the message is upstream's. */
export class FieldsError extends Error {
  override readonly name = 'FieldsError'
}

type Items = Extract<Topology, { kind: 'keyed' | 'set' }>

export interface Item {
  /** `k:{…}` or `v:…`, as in FieldsV1. */
  readonly step: string
  readonly value: unknown
}

/** undefined: not a list whose items can be told apart, so it is one thing as a whole. */
export function itemsOf(list: unknown, topology: Items): Item[] | undefined {
  if (!Array.isArray(list)) return undefined
  const items: Item[] = []
  const seen = new Set<string>()
  for (const value of list as readonly unknown[]) {
    const step = stepOf(value, topology)
    if (step === undefined || seen.has(step)) return undefined
    seen.add(step)
    items.push({ step, value })
  }
  return items
}

/** As `itemsOf`, for what a client applies. `at` names the list. Throws FieldsError. */
export function appliedItems(list: unknown, topology: Items, at: string): Item[] {
  if (!Array.isArray(list)) throw new FieldsError(`${at}: expected list, got ${goFormat(list)}`)
  const seen = new Set<string>()
  return (list as readonly unknown[]).map((value, i) => {
    const step = stepOf(value, topology)
    if (step === undefined) throw new FieldsError(`${at}: element ${i}: ${whyNoStep(value, topology)}`)
    if (seen.has(step)) throw new FieldsError(`${at}: duplicate entries for key ${shownStep(step)}`)
    seen.add(step)
    return { step, value }
  })
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function stepOf(value: unknown, topology: Items): string | undefined {
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

function whyNoStep(value: unknown, topology: Items): string {
  if (topology.kind === 'set') return 'associative list without keys has an element that is not a scalar'
  if (!isObject(value)) return 'associative list with keys may not have non-map elements'
  const missing = topology.keys.find((key) => (value[key.name] ?? key.default) === undefined)
  return `associative list with keys has an element that omits key field ${JSON.stringify(missing?.name)} (and doesn't have default value)`
}

function shownStep(step: string): string {
  if (step.startsWith('v:')) return `[=${step.slice(2)}]`
  const keys = Object.entries(JSON.parse(step.slice(2)) as Record<string, unknown>)
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`
}

function goFormat(value: unknown): string {
  return isObject(value) ? 'map' : JSON.stringify(value)
}
