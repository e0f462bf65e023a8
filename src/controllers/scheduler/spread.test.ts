import { expect, test } from 'vitest'
import type { Pod, PodSpec, TopologySpreadConstraint } from '../../api/generated/v1.ts'
import type { Candidate } from './filters.ts'
import { labelled, outcome, pod } from './fixtures.ts'

const labels = { app: 'web' }
const a = labelled('a', { zone: 'a' })
const b = labelled('b', { zone: 'b' })
const bare = labelled('bare', {})
const webs = (count: number): Pod[] => Array.from({ length: count }, (_, i) => pod(`web-${i}`, {}, labels))
const at = (node: Candidate['node'], pods: Pod[] = []): Candidate => ({ node, pods })
const spread = (more: Partial<TopologySpreadConstraint> = {}, spec: Partial<PodSpec> = {}): Pod =>
  pod(
    'p',
    {
      ...spec,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: labels },
          ...more,
        },
      ],
    },
    labels,
  )

const skewed = "node(s) didn't match pod topology spread constraints"
const keyless = `${skewed} (missing required label)`
const unmatched = "node(s) didn't match Pod's node affinity/selector"

test.each<[string, Pod, Candidate[], string | string[]]>([
  ['the emptier place', spread(), [at(a, webs(1)), at(b)], 'b'],
  ['within the skew any will do', spread({ maxSkew: 2 }), [at(a, webs(1)), at(b, [pod('x'), pod('y')])], 'a'],
  ['no node without the key', spread(), [at(bare), at(a, webs(3))], 'a'],
  ['nothing but nodes without the key', spread(), [at(bare)], [keyless]],
  ['too few places', spread({ minDomains: 2 }), [at(a, webs(1))], [skewed]],
  ['enough places', spread({ minDomains: 2 }), [at(a, webs(1)), at(b, webs(1))], 'a'],
  [
    'pods on their way out do not count',
    spread(),
    [
      at(
        a,
        webs(1).map((p) => ({ ...p, metadata: { ...p.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } })),
      ),
      at(b, [pod('x'), pod('y')]),
    ],
    'a',
  ],
  ['a place the pod cannot go to is none', spread({}, { nodeSelector: { zone: 'a' } }), [at(a, webs(3)), at(b)], 'a'],
  [
    'unless the constraint ignores that',
    spread({ nodeAffinityPolicy: 'Ignore' }, { nodeSelector: { zone: 'a' } }),
    [at(a, webs(3)), at(b)],
    [skewed, unmatched],
  ],
  [
    'a tainted place counts',
    spread(),
    [at(a, webs(1)), at({ ...b, spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } })],
    [skewed, 'node(s) had untolerated taint(s)'],
  ],
  [
    'unless the constraint honours taints',
    spread({ nodeTaintsPolicy: 'Honor' }),
    [at(a, webs(1)), at({ ...b, spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } })],
    'a',
  ],
  [
    'a wish is weighed, and broken where it must be',
    spread({ whenUnsatisfiable: 'ScheduleAnyway' }),
    [at(a, webs(2)), at(b, [pod('x'), pod('y'), pod('z')])],
    'b',
  ],
])('%s', (_, given, candidates, expected) => {
  expect(outcome(given, candidates)).toEqual(expected)
})
