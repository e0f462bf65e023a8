/** What holds after any applies and updates by anybody, in any order. SSA_SEED repeats a run. */

import { expect, test } from 'vitest'
import { isObject } from '../machinery/json-object.ts'
import type { KubeObject } from '../machinery/object.ts'
import { typeSchema } from '../machinery/schema.ts'
import { type FieldPath, formatPath } from './field-set.ts'
import { itemsOf } from './items.ts'
import { merge } from './merge.ts'
import { decodeOwners, encodeOwners, type ManagerId, type Owner } from './owners.ts'
import { applyConfig, recordUpdate } from './record.ts'
import { itemTopology, type Topology, topologyOfType } from './topology.ts'
import { compare } from './walk.ts'

const seed = Number(process.env['SSA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const pod = topologyOfType(typeSchema('v1.Pod'))
const views = () => ({ topology: pod, convert: (object: object) => object })

/** A linear congruence is random enough to choose with. */
function chooser(from: number) {
  let state = from
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
type Choose = ReturnType<typeof chooser>

const letters = ['a', 'b', 'c']
const some = (choose: Choose) => letters.filter(() => choose(2) === 0).sort(() => choose(3) - 1)
const mapOf = (choose: Choose) => Object.fromEntries(some(choose).map((name) => [name, String(choose(2))]))

/** Empty things are none: Go leaves them out. */
function maybe(choose: Choose, name: string, make: () => object | string | number): object {
  const value = make()
  const isEmpty = typeof value === 'object' && Object.keys(value).length === 0
  return choose(2) && !isEmpty ? { [name]: value } : {}
}

function container(choose: Choose, name: string): object {
  return {
    name,
    ...maybe(choose, 'image', () => `i:${choose(2)}`),
    ...maybe(choose, 'command', () => some(choose)),
    ...maybe(choose, 'env', () => some(choose).map((key) => ({ name: key, value: String(choose(2)) }))),
    ...maybe(choose, 'ports', () =>
      some(choose).map((_, i) => ({ containerPort: 80 + i, ...maybe(choose, 'hostPort', () => choose(3)) })),
    ),
    ...maybe(choose, 'livenessProbe', () => ({
      httpGet: { path: `/${choose(2)}` },
      ...maybe(choose, 'periodSeconds', () => choose(3)),
    })),
  }
}

function anyPod(choose: Choose): KubeObject {
  const spec = {
    ...maybe(choose, 'containers', () => some(choose).map((name) => container(choose, name))),
    ...maybe(choose, 'nodeSelector', () => mapOf(choose)),
    ...maybe(choose, 'tolerations', () => some(choose).map((key) => ({ key }))),
    ...maybe(choose, 'priority', () => choose(2)),
  }
  const metadata = {
    name: 'p',
    ...maybe(choose, 'labels', () => mapOf(choose)),
    ...maybe(choose, 'finalizers', () => some(choose)),
  }
  return { metadata, ...maybe(choose, 'spec', () => spec) }
}

function valueAt(value: unknown, topology: Topology, [step, ...rest]: FieldPath): unknown {
  if (step === undefined) return value
  if (topology.kind === 'fields' && isObject(value)) {
    const name = step.slice(2)
    return valueAt(value[name], topology.field(name)?.topology ?? { kind: 'whole' }, rest)
  }
  if (topology.kind === 'whole' || topology.kind === 'fields') return undefined
  const item = itemsOf(value, topology)?.find((candidate) => candidate.step === step)
  return item && valueAt(item.value, itemTopology(topology), rest)
}

interface World {
  readonly object: KubeObject
  readonly owners: readonly Owner[]
}

const writer = (manager: string, operation: ManagerId['operation']) => ({
  id: { manager, operation, apiVersion: 'v1', subresource: '' },
  now: '2026-01-01T00:00:00Z',
})

function apply({ object: live, owners }: World, manager: string, config: object): World {
  const canonical = (merged: object) => structuredClone(merged) as KubeObject
  return applyConfig(owners, { live, config, canonical, force: true }, writer(manager, 'Apply'), {
    topology: pod,
    views,
  })
}

function update({ object: before, owners }: World, manager: string, after: KubeObject): World {
  return { object: after, owners: recordUpdate(owners, { before, after }, writer(manager, 'Update'), views) }
}

function requireOwnedIsThere({ object, owners }: World): void {
  for (const { manager, fields } of owners) {
    for (const path of fields.paths()) {
      expect(valueAt(object, pod, path), `${manager} owns ${formatPath(path)}`).toBeDefined()
    }
  }
}

test(`SEED=${seed}: what is owned is there, what is applied holds, and applying again changes nothing`, () => {
  const choose = chooser(seed)
  for (let run = 0; run < 300; run++) {
    let world: World = { object: { metadata: { name: 'p' } }, owners: [] }
    for (let step = 0; step < 6; step++) {
      const manager = letters[choose(3)] ?? ''
      const given = anyPod(choose)
      if (choose(3) === 0) {
        world = update(world, manager, given)
        requireOwnedIsThere(world)
        continue
      }
      world = apply(world, manager, given)
      requireOwnedIsThere(world)
      expect(compare(world.object, merge(world.object, given, pod) as object, pod).modified.isEmpty).toBe(true)
      const again = apply(world, manager, given)
      expect(again.object).toEqual(world.object)
      expect(encodeOwners(again.owners)).toEqual(encodeOwners(world.owners))
      expect(encodeOwners(decodeOwners(encodeOwners(world.owners)) ?? [])).toEqual(encodeOwners(world.owners))
    }
  }
})

test(`SEED=${seed}: of what one manager alone applied, only the last is left`, () => {
  const choose = chooser(seed)
  const nothing: World = { object: { metadata: { name: 'p' } }, owners: [] }
  for (let run = 0; run < 300; run++) {
    const [first, last] = [anyPod(choose), anyPod(choose)]
    const { added, modified, removed } = compare(
      apply(nothing, 'a', last).object,
      apply(apply(nothing, 'a', first), 'a', last).object,
      pod,
    )
    expect([...added.paths(), ...modified.paths(), ...removed.paths()].map(formatPath)).toEqual([])
  }
})
