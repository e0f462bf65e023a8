import { expect, test } from 'vitest'
import { typeSchema } from '../machinery/schema.ts'
import { FieldSet, type FieldsV1 } from './field-set.ts'
import { prune } from './prune.ts'
import { topologyOfType } from './topology.ts'
import { appliedFields } from './walk.ts'

const pod = topologyOfType(typeSchema('v1.Pod'))

interface Case {
  /** What the manager applied before, and what it applies now. */
  readonly last: object
  readonly now?: object
  /** FieldsV1 of all others. */
  readonly others?: FieldsV1
  readonly merged: object
  readonly left: object
}

const container = (more: object) => ({ spec: { containers: [{ name: 'c', ...more }] } })
const named = (name: string, fields: FieldsV1): FieldsV1 => ({
  'f:spec': { 'f:containers': { [`k:{"name":"${name}"}`]: fields } },
})
const probe = { httpGet: { path: '/' } }

const cases: Record<string, Case> = {
  'a field goes': {
    last: { metadata: { labels: { a: '1', b: '1' } } },
    now: { metadata: { labels: { b: '1' } } },
    merged: { metadata: { name: 'p', labels: { a: '1', b: '1', c: '1' } } },
    left: { metadata: { name: 'p', labels: { b: '1', c: '1' } } },
  },
  'what the server keeps in the same struct stays': {
    last: { metadata: { labels: { a: '1' } } },
    now: { metadata: { name: 'p' } },
    merged: { metadata: { name: 'p', uid: 'u', labels: { a: '1' } } },
    left: { metadata: { name: 'p', uid: 'u' } },
  },
  'a struct goes with the defaults that came with it': {
    last: container({ image: 'i', livenessProbe: probe }),
    now: container({ image: 'i' }),
    merged: container({ image: 'i', livenessProbe: { ...probe, periodSeconds: 10 } }),
    left: container({ image: 'i' }),
  },
  'a struct in which somebody owns a field stays, without what nobody owns': {
    last: container({ livenessProbe: probe }),
    now: container({}),
    others: named('c', { 'f:livenessProbe': { 'f:periodSeconds': {} } }),
    merged: container({ livenessProbe: { ...probe, periodSeconds: 5 } }),
    left: container({ livenessProbe: { periodSeconds: 5 } }),
  },
  'an item goes with all that is in it, even what others own': {
    last: { spec: { containers: [{ name: 'c' }, { name: 'd' }] } },
    now: container({}),
    others: named('d', { 'f:image': {} }),
    merged: { spec: { containers: [{ name: 'c' }, { name: 'd', image: 'i' }] } },
    left: container({}),
  },
  'an item that others own stays': {
    last: { spec: { containers: [{ name: 'c' }, { name: 'd', image: 'i' }] } },
    now: container({}),
    others: named('d', { '.': {}, 'f:name': {} }),
    merged: { spec: { containers: [{ name: 'c' }, { name: 'd', image: 'i' }] } },
    left: { spec: { containers: [{ name: 'c' }, { name: 'd' }] } },
  },
  'items that nobody ever applied stay': {
    last: container({ env: [{ name: 'A', value: '1' }] }),
    now: container({}),
    others: named('c', { 'f:env': { 'k:{"name":"B"}': { '.': {}, 'f:name': {} } } }),
    merged: container({ env: [{ name: 'A', value: '1' }, { name: 'B' }] }),
    left: container({ env: [{ name: 'B' }] }),
  },
  'an entry of a map goes': {
    last: { metadata: { annotations: { a: '1' } } },
    now: { metadata: { annotations: {} } },
    merged: { metadata: { annotations: { a: '1' } } },
    left: {},
  },
  'a list without items is none': {
    last: { metadata: { finalizers: ['a/b'] } },
    now: { metadata: { finalizers: [] } },
    others: { 'f:metadata': { 'f:labels': { 'f:l': {} } } },
    merged: { metadata: { finalizers: ['a/b'], labels: { l: '1' } } },
    left: { metadata: { labels: { l: '1' } } },
  },
  'nothing changes where nothing was applied': {
    last: {},
    merged: container({ env: [], resources: {} }),
    left: container({ env: [], resources: {} }),
  },
}

test.each(Object.entries(cases))('%s', (_name, { last, now = {}, others = {}, merged, left }) => {
  const kept = appliedFields(now, pod).union(FieldSet.fromFieldsV1(others))
  expect(prune(merged, pod, { last: appliedFields(last, pod), kept })).toEqual(left)
})
