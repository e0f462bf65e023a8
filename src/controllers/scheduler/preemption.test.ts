import { describe, expect, test } from 'vitest'
import type { PodDisruptionBudget } from '../../api/generated/policy.v1.ts'
import type { Pod, PodSpec } from '../../api/generated/v1.ts'
import type { Candidate } from './filters.ts'
import { budget, labelled, pod, requesting, sized, view } from './fixtures.ts'
import { planPreemption } from './preemption.ts'
import { selectNode } from './select.ts'

const now = new Date('2026-01-01T12:00:00Z')
const n1 = sized('n1', { cpu: '4', pods: '10' })
const n2 = sized('n2', { cpu: '4', pods: '10' })

interface Running {
  readonly cpu?: string
  /** Hours of the day. */
  readonly since?: number
  readonly app?: string
}

function running(name: string, priority: number, { cpu = '2', since = 1, app = name }: Running = {}): Pod {
  const startTime = new Date(Date.UTC(2026, 0, 1, since)).toISOString()
  return { ...pod(name, { priority, ...requesting({ cpu }) }, { app }), status: { phase: 'Running', startTime } }
}

function important(spec: Partial<PodSpec> = {}): Pod {
  return pod('important', { priority: 100, ...requesting({ cpu: '2' }), ...spec })
}

function plan(given: Pod, candidates: Candidate[], more: { budgets?: PodDisruptionBudget[]; nominated?: string } = {}) {
  const selection = selectNode(given, view(candidates))
  if ('node' in selection) throw new Error(`fits on ${selection.node}`)
  const outcome = planPreemption(given, { ...selection, budgets: [], nominated: undefined, now, ...more })
  if ('message' in outcome) return outcome.message
  return { node: outcome.node, victims: outcome.victims.map(({ metadata }) => metadata.name) }
}

describe('on a node', () => {
  test.each<[string, Pod[], string[]]>([
    ['the lowest priority goes', [running('low', 1), running('mid', 50)], ['low']],
    ['pods of the same priority stay', [running('same', 100), running('low', 1)], ['low']],
    ['of one priority the younger goes', [running('old', 1), running('young', 1, { since: 5 })], ['young']],
    [
      'as many as it takes',
      [running('x', 1, { cpu: '1' }), running('y', 2, { cpu: '1' }), running('z', 3)],
      ['y', 'x'],
    ],
    [
      'small ones stay if that helps',
      [running('tiny', 1, { cpu: '100m' }), running('big', 5, { cpu: '3900m' })],
      ['big'],
    ],
  ])('%s', (_, pods, victims) => {
    expect(plan(important(), [{ node: n1, pods }])).toEqual({ node: 'n1', victims })
  })

  test('a budget is kept where another victim does', () => {
    const pods = [running('guarded', 1), running('free', 50)]
    const budgets = [budget('b', { app: 'guarded' })]
    expect(plan(important(), [{ node: n1, pods }], { budgets })).toEqual({ node: 'n1', victims: ['free'] })
    const spent = [budget('b', { app: 'guarded' }, { disruptedPods: { guarded: now.toISOString() } })]
    expect(plan(important(), [{ node: n1, pods }], { budgets: spent })).toEqual({ node: 'n1', victims: ['guarded'] })
  })

  test('a budget is broken where nothing else helps', () => {
    const pods = [running('guarded', 1, { cpu: '4' })]
    const budgets = [budget('b', { app: 'guarded' })]
    expect(plan(important(), [{ node: n1, pods }], { budgets })).toEqual({ node: 'n1', victims: ['guarded'] })
  })

  test('who keeps it away by anti-affinity gives way, and who needs the place otherwise does not', () => {
    const zoned = labelled('n1', { zone: 'a' })
    const term = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'rival' } } }
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    const pods = [running('rival', 1), running('bystander', 1)]
    expect(plan(important({ affinity }), [{ node: zoned, pods }])).toEqual({ node: 'n1', victims: ['rival'] })
  })

  test('a host port is given up', () => {
    const ports = (name: string, priority: number, hostPort: number) =>
      pod(name, { priority, containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort }] }] })
    const pods = [ports('a', 1, 80), ports('b', 1, 81)]
    expect(plan(ports('p', 9, 80), [{ node: n1, pods }])).toEqual({ node: 'n1', victims: ['a'] })
  })
})

describe('among nodes', () => {
  const choose = (first: Pod[], second: Pod[], budgets: PodDisruptionBudget[] = []) => {
    const chosen = plan(
      important({ ...requesting({ cpu: '4' }) }),
      [
        { node: n1, pods: first },
        { node: n2, pods: second },
      ],
      { budgets },
    )
    return typeof chosen === 'string' ? chosen : chosen.node
  }
  test.each<[string, Pod[], Pod[], PodDisruptionBudget[]]>([
    [
      'fewest broken budgets',
      [running('guarded', 1)],
      [running('x', 50), running('y', 50)],
      [budget('b', { app: 'guarded' })],
    ],
    ['lowest highest priority', [running('x', 50)], [running('y', 40), running('z', 40)], []],
    ['lowest sum of priorities', [running('x', 40), running('y', 30)], [running('z', 40), running('w', 20)], []],
    ['fewest victims', [running('x', 0), running('y', 0)], [running('z', 0)], []],
    ['the latest start', [running('x', 1, { since: 1 })], [running('y', 1, { since: 5 })], []],
  ])('%s', (_, first, second, budgets) => {
    expect(choose(first, second, budgets)).toBe('n2')
  })

  test('the first of equals', () => {
    expect(choose([running('x', 1)], [running('y', 1)])).toBe('n1')
  })
})

describe('nobody gives way', () => {
  const full = [running('a', 100), running('b', 100)]
  test.each<[string, Pod, Candidate[], string]>([
    [
      'nobody is less important',
      important(),
      [{ node: n1, pods: full }],
      '0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    ],
    [
      'no pod could make the node larger',
      important({ ...requesting({ cpu: '5' }) }),
      [{ node: n1, pods: [running('a', 1)] }],
      '0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    ],
    [
      'the lesser pods hold too little',
      important({ ...requesting({ cpu: '3' }) }),
      [{ node: n1, pods: [running('a', 100), running('b', 1)] }],
      '0/1 nodes are available: 1 Insufficient cpu.',
    ],
    [
      'its class never preempts',
      important({ preemptionPolicy: 'Never' }),
      [{ node: n1, pods: [running('a', 1), running('b', 1)] }],
      'not eligible due to preemptionPolicy=Never.',
    ],
  ])('%s', (_, given, candidates, message) => {
    expect(plan(given, candidates)).toBe(message)
  })

  test('while former victims are still on their way out', () => {
    const victim = running('a', 1, { cpu: '4' })
    const leaving: Pod = {
      ...victim,
      metadata: { ...victim.metadata, deletionTimestamp: now.toISOString() },
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] },
    }
    expect(plan(important(), [{ node: n1, pods: [leaving] }], { nominated: 'n1' })).toBe(
      'not eligible due to a terminating pod on the nominated node.',
    )
  })
})

test('a place that is being made is not for lesser pods', () => {
  const nominated = [important({ ...requesting({ cpu: '4' }) })]
  expect(selectNode(pod('lesser', requesting({ cpu: '1' })), view([{ node: n1, pods: [], nominated }]))).toMatchObject({
    refused: [{ refusal: { reasons: ['Insufficient cpu'] } }],
  })
  const greater = pod('greater', { priority: 200, ...requesting({ cpu: '1' }) })
  expect(selectNode(greater, view([{ node: n1, pods: [], nominated }]))).toEqual({ node: 'n1' })
})
