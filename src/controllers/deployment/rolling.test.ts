import { describe, expect, test } from 'vitest'
import type { ReplicaSet } from '../../api/generated/apps.v1.ts'
import { deployment } from '../testing/harness.ts'
import { currentSize, limits, rescale, shrinkOld } from './rolling.ts'

function replicaSet(name: string, size: number, available = size, annotated?: [number, number]): ReplicaSet {
  return {
    metadata: {
      name,
      creationTimestamp: `2026-01-01T00:00:0${name.length}Z`,
      ...(annotated && {
        annotations: {
          'deployment.kubernetes.io/desired-replicas': String(annotated[0]),
          'deployment.kubernetes.io/max-replicas': String(annotated[1]),
        },
      }),
    },
    spec: { replicas: size, selector: {} },
    status: { replicas: size, availableReplicas: available },
  }
}

function rolling(replicas: number, maxSurge: number | string, maxUnavailable: number | string) {
  return deployment('web', replicas, {
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
  })
}

describe('limits', () => {
  const cases: [number, number | string, number | string, number, number][] = [
    [3, '25%', '25%', 1, 0],
    [10, '25%', '25%', 3, 2],
    [1, '25%', '25%', 1, 0],
    [10, 0, 0, 0, 1],
    [2, 0, 5, 0, 2],
    [4, '100%', '50%', 4, 2],
  ]
  test.each(cases)(
    '%i replicas, surge %s, unavailable %s → %i, %i',
    (n, surge, unavailable, maxSurge, maxUnavailable) =>
      expect(limits(rolling(n, surge, unavailable))).toEqual({ maxSurge, maxUnavailable }),
  )
})

describe('the current ReplicaSet grows', () => {
  const cases: [string, number, number, number, number][] = [
    ['by the surge beside a full old one', 10, 10, 0, 2],
    ['to the room old ones left', 10, 8, 2, 4],
    ['to the whole when alone', 10, 0, 0, 10],
    ['not at all while there is no room', 10, 12, 0, 0],
    ['down when the Deployment shrank', 5, 0, 7, 5],
  ]
  test.each(cases)('%s', (_, desired, old, current, size) => {
    const family = { current: replicaSet('new', current), old: [replicaSet('old', old)] }
    expect(currentSize(rolling(desired, 2, 0), family)).toBe(size)
  })
})

describe('old ReplicaSets shrink', () => {
  const shrunk = (family: Parameters<typeof shrinkOld>[1], desired = 10, unavailable = 2) =>
    Object.fromEntries(
      shrinkOld(rolling(desired, 2, unavailable), family).map(({ replicaSet, replicas }) => [
        replicaSet.metadata.name,
        replicas,
      ]),
    )
  test('to the minimum available', () => {
    expect(shrunk({ current: replicaSet('new', 0), old: [replicaSet('a', 10)] })).toEqual({ a: 8 })
  })
  test('not while the new pods are not available', () => {
    expect(shrunk({ current: replicaSet('new', 4, 0), old: [replicaSet('a', 8)] })).toEqual({})
  })
  test('by their unhealthy pods first, oldest ReplicaSet first', () => {
    const old = [replicaSet('a', 4, 0), replicaSet('bb', 8, 8)]
    expect(shrunk({ current: replicaSet('new', 0), old })).toEqual({ a: 0 })
  })
  test('to nothing when the new ones are all available', () => {
    expect(shrunk({ current: replicaSet('new', 10), old: [replicaSet('a', 2)] })).toEqual({ a: 0 })
  })
})

describe('scaling', () => {
  const sizes = (desired: number, family: Parameters<typeof rescale>[1], surge = 2) =>
    rescale(rolling(desired, surge, 0), family).map(({ replicaSet, replicas }) => [replicaSet.metadata.name, replicas])
  test('one active ReplicaSet takes it all', () => {
    expect(sizes(7, { current: replicaSet('new', 3), old: [replicaSet('a', 0)] })).toEqual([['new', 7]])
  })
  test('in the middle of a rollout it is shared in proportion', () => {
    const family = { current: replicaSet('new', 4, 2, [10, 12]), old: [replicaSet('a', 8, 8, [10, 12])] }
    expect(sizes(20, family)).toEqual([
      ['a', 15],
      ['new', 7],
    ])
    expect(sizes(5, family)).toEqual([
      ['a', 5],
      ['new', 2],
    ])
    expect(sizes(0, family)).toEqual([
      ['a', 0],
      ['new', 0],
    ])
  })
  test('a saturated current one leaves nothing for the old', () => {
    const family = { current: replicaSet('new', 5, 5, [5, 7]), old: [replicaSet('a', 2)] }
    expect(sizes(5, family)).toEqual([['a', 0]])
  })
})
