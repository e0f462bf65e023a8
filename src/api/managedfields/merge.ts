/** What comes out when a client applies its configuration to what is there. */
import { define, isObject } from '../machinery/json-object.ts'
import { byStep, type Item, itemsOf } from './items.ts'
import { fieldTopology, itemTopology, ownValue, type Topology } from './topology.ts'

/** `config` over `live`: what it does not speak of stays. Neither is changed. */
export function merge(live: unknown, config: unknown, topology: Topology): unknown {
  if (config === undefined) return live
  if (topology.kind === 'whole' || live === undefined || live === null || config === null) {
    return structuredClone(config)
  }
  if (topology.kind !== 'fields') {
    const [mine, theirs] = [itemsOf(live, topology), itemsOf(config, topology)]
    return mine && theirs ? mergeItems(mine, theirs, itemTopology(topology)) : structuredClone(config)
  }
  if (!isObject(live) || !isObject(config)) return structuredClone(config)
  const merged: Record<string, unknown> = { ...live }
  for (const [name, value] of Object.entries(config)) {
    define(merged, name, merge(ownValue(live, name), value, fieldTopology(topology, name)))
  }
  return merged
}

/**
 * The config's items in its order; in between, where they were, those it does not name. Items with one key that are
 * several give way to the config's one, which there was none of before.
 */
function mergeItems(live: readonly Item[], config: readonly Item[], topology: Topology): unknown[] {
  const named = new Set(config.map(({ step }) => step))
  const before = byStep(live)
  const merged: unknown[] = []
  const shared = config.filter(({ step }) => before.has(step)).map(({ step }) => step)
  let i = 0
  let s = 0
  for (const { step, value } of config) {
    const nextShared = shared[s]
    for (let item = live[i]; item && item.step !== nextShared; item = live[++i]) {
      if (!named.has(item.step)) merged.push(item.value)
    }
    const was = before.get(step) ?? []
    merged.push(merge(was.length === 1 ? was[0] : undefined, value, topology))
    if (step !== nextShared) continue
    i++
    s++
  }
  for (const item of live.slice(i)) if (!named.has(item.step)) merged.push(item.value)
  return merged
}
