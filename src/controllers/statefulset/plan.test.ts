import { describe, expect, test } from 'vitest'
import type { ControllerRevision, StatefulSet } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { template } from '../testing/harness.ts'
import { ordinalOf } from './identity.ts'
import { newPod } from './new-pod.ts'
import { plan, statefulSetStatus } from './plan.ts'

const now = new Date('2026-01-01T00:01:00Z')
const labels = { app: 'web' }

function set(spec: Partial<StatefulSet['spec']> = {}): StatefulSet {
  return {
    metadata: { name: 'web', namespace: 'demo', uid: 'u', generation: 1 },
    spec: {
      replicas: 3,
      serviceName: 'web',
      selector: { matchLabels: labels },
      template: template(labels),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
    },
  }
}

function revision(name: string): ControllerRevision {
  return { metadata: { name }, data: { spec: { template: { ...template(labels), $patch: 'replace' } } }, revision: 1 }
}
const a = revision('web-a')
const b = revision('web-b')

/** `ok`, and what else can be the matter with a pod; `old`: of revision a. */
type State = 'ok' | 'old' | 'waiting' | 'old waiting' | 'going' | 'old going' | 'failed'

function pods(of: StatefulSet, states: Record<number, State>): Pod[] {
  return Object.entries(states).map(([ordinal, state]) => {
    const pod = newPod(of, Number(ordinal), state.startsWith('old') ? a : b)
    const status = state.endsWith('waiting') || state === 'failed' ? 'False' : 'True'
    if (state.endsWith('going')) pod.metadata.deletionTimestamp = now.toISOString()
    const lastTransitionTime = '2026-01-01T00:00:30Z'
    const phase = state === 'failed' ? 'Failed' : 'Running'
    return { ...pod, status: { phase, conditions: [{ type: 'Ready', status, lastTransitionTime }] } }
  })
}

function decide(of: StatefulSet, states: Record<number, State>): string {
  const { create, remove, relabel } = plan(of, { pods: pods(of, states), current: a, update: b, now })
  return [
    ...create.map(({ ordinal, revision: { metadata } }) => `+${ordinal}${metadata.name === 'web-a' ? ' old' : ''}`),
    ...remove.map(({ metadata }) => `-${metadata.name.slice(4)}`),
    ...relabel.map(({ ordinal }) => `~${ordinal}`),
  ].join(' ')
}

const parallel = { podManagementPolicy: 'Parallel' }
const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } })

describe('the next step', () => {
  test.each<[string, Partial<StatefulSet['spec']>, Record<number, State>, string]>([
    ['the first pod comes first', {}, {}, '+0'],
    ['the second waits for the first', {}, { 0: 'waiting' }, ''],
    ['the second follows the first', {}, { 0: 'ok' }, '+1'],
    ['a gap is filled before what is above it', {}, { 0: 'ok', 2: 'ok' }, '+1'],
    ['nothing is left to do', {}, { 0: 'ok', 1: 'ok', 2: 'ok' }, ''],
    ['all at once in parallel', parallel, { 1: 'waiting' }, '+0 +2'],
    ['numbers may start elsewhere', { ordinals: { start: 5 } }, { 5: 'ok' }, '+6'],
    ['a moved start removes what is outside', { ordinals: { start: 1 } }, { 0: 'ok', 1: 'ok', 2: 'ok', 3: 'ok' }, '-0'],
    ['a pod that ended is removed', {}, { 0: 'ok', 1: 'failed', 2: 'ok' }, '-1'],
    ['a pod on its way out is waited for', {}, { 0: 'ok', 1: 'going', 2: 'ok' }, ''],
    ['available is more than ready', { minReadySeconds: 60 }, { 0: 'ok' }, ''],
    ['available after long enough', { minReadySeconds: 30 }, { 0: 'ok' }, '+1'],
    ['scaling down starts at the top', { replicas: 1 }, { 0: 'ok', 1: 'ok', 2: 'ok' }, '-2'],
    ['and goes on when the top is gone', { replicas: 1 }, { 0: 'ok', 1: 'ok', 2: 'going' }, ''],
    ['it waits for replicas that are unwell', { replicas: 1 }, { 0: 'waiting', 1: 'ok', 2: 'ok' }, ''],
    ['and for surplus ones, but for the first of them', { replicas: 1 }, { 0: 'ok', 1: 'waiting', 2: 'waiting' }, ''],
    ['which may go itself', { replicas: 1 }, { 0: 'ok', 1: 'ok', 2: 'waiting' }, '-2'],
    ['in parallel nothing waits', { ...parallel, replicas: 1 }, { 0: 'waiting', 1: 'waiting', 2: 'ok' }, '-2 -1'],
    ['a set of millions is begun like any other', { replicas: 2_000_000_000 }, { 0: 'ok' }, '+1'],
    ['scaled to nothing', { replicas: 0 }, { 0: 'ok' }, '-0'],
  ])('%s', (_, spec, states, expected) => {
    expect(decide(set(spec), states)).toBe(expected)
  })
})

describe('a new template', () => {
  const old = { 0: 'old', 1: 'old', 2: 'old' } as const
  test.each<[string, Partial<StatefulSet['spec']>, Record<number, State>, string]>([
    ['starts at the top', {}, old, '-2'],
    ['waits for the pod it replaced', {}, { ...old, 2: 'waiting' }, ''],
    ['goes on below', {}, { ...old, 2: 'ok' }, '-1'],
    ['stops at the partition', rolling({ partition: 2 }), { ...old, 2: 'ok' }, ''],
    ['keeps the old template below the partition', rolling({ partition: 2 }), { 1: 'old', 2: 'ok' }, '+0 old'],
    ['leaves the user to it with OnDelete', { updateStrategy: { type: 'OnDelete' } }, old, ''],
    ['is what a deleted pod gets with OnDelete', { updateStrategy: { type: 'OnDelete' } }, { 0: 'old' }, '+1'],
    ['goes as fast as maxUnavailable allows', rolling({ maxUnavailable: 2 }), old, '-2 -1'],
    ['as a percentage, rounded down', rolling({ maxUnavailable: '70%' }), old, '-2 -1'],
    ['but by one at least', rolling({ maxUnavailable: '10%' }), old, '-2'],
    ['in parallel one at a time as well', parallel, { ...old, 2: 'old going' }, ''],
    ['in parallel, pods below that are unwell do not hold it up', parallel, { ...old, 0: 'old waiting' }, '-2'],
    ['is held up by a broken pod of the former one', {}, { ...old, 1: 'old waiting' }, ''],
  ])('%s', (_, spec, states, expected) => {
    expect(decide(set(spec), states)).toBe(expected)
  })
})

describe('identity', () => {
  test('a pod carries its number in name, labels and host name', () => {
    const { metadata, spec } = newPod(set(), 2, b)
    expect(metadata).toMatchObject({
      name: 'web-2',
      generateName: 'web-',
      labels: {
        app: 'web',
        'statefulset.kubernetes.io/pod-name': 'web-2',
        'apps.kubernetes.io/pod-index': '2',
        'controller-revision-hash': 'web-b',
      },
      ownerReferences: [{ kind: 'StatefulSet', name: 'web', controller: true }],
    })
    expect(spec).toMatchObject({ hostname: 'web-2', subdomain: 'web' })
  })
  test.each([
    ['web-0', 0],
    ['web-12', 12],
    ['web-012', undefined],
    ['web-x', undefined],
    ['other-1', undefined],
    ['web', undefined],
  ])('%s has ordinal %s', (name, expected) => {
    expect(ordinalOf(set(), { metadata: { name } })).toBe(expected)
  })
  test('labels that somebody changed are put back', () => {
    const [pod] = pods(set({ replicas: 1 }), { 0: 'ok' })
    delete pod?.metadata.labels?.['apps.kubernetes.io/pod-index']
    const input = { pods: pod ? [pod] : [], current: b, update: b, now }
    expect(plan(set({ replicas: 1 }), input).relabel).toEqual([{ pod, ordinal: 0 }])
  })
})

describe('status', () => {
  const status = (of: StatefulSet, states: Record<number, State>) =>
    statefulSetStatus(of, { pods: pods(of, states), current: a, update: b, now }, 0)

  test('counts pods by readiness and revision', () => {
    expect(status(set(), { 0: 'old', 1: 'waiting', 2: 'going' })).toEqual({
      replicas: 3,
      readyReplicas: 2,
      currentReplicas: 1,
      updatedReplicas: 1,
      observedGeneration: 1,
      availableReplicas: 2,
      currentRevision: 'web-a',
      updateRevision: 'web-b',
      collisionCount: 0,
    })
  })
  test('an update that is complete becomes the current revision', () => {
    const done = { 0: 'ok', 1: 'ok', 2: 'ok' } as const
    expect(status(set(), done)).toMatchObject({ currentRevision: 'web-b', currentReplicas: 3 })
    const onDelete = set({ updateStrategy: { type: 'OnDelete' } })
    expect(status(onDelete, done)).toMatchObject({ currentRevision: 'web-a' })
  })
})
