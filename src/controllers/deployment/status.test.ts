import { describe, expect, test } from 'vitest'
import type { Deployment, DeploymentCondition, ReplicaSet } from '../../api/generated/apps.v1.ts'
import { deployment } from '../testing/harness.ts'
import { baseStatus, deadlineInMs, isComplete, rolloutStatus } from './status.ts'

const start = new Date('2026-01-01T00:00:00Z')
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000)

function replicaSet(counts: ReplicaSet['status'], size = 3): ReplicaSet {
  return {
    metadata: { name: 'web-5d9' },
    spec: { replicas: size, selector: {} },
    ...(counts && { status: counts }),
  }
}

function observed(conditions: DeploymentCondition[], status: Deployment['status'] = {}): Deployment {
  const web = deployment('web', 3)
  return { ...web, metadata: { ...web.metadata, generation: 2 }, status: { ...status, conditions } }
}

const updated: DeploymentCondition = {
  type: 'Progressing',
  status: 'True',
  reason: 'ReplicaSetUpdated',
  message: 'ReplicaSet "web-5d9" is progressing.',
  lastUpdateTime: '2026-01-01T00:00:00Z',
  lastTransitionTime: '2026-01-01T00:00:00Z',
}
const progressing = (web: Deployment, current: ReplicaSet, now: Date) =>
  rolloutStatus(web, { current, old: [] }, now).conditions?.find((c) => c.type === 'Progressing')

describe('the Progressing condition', () => {
  test('progress moves its update time, and with it the deadline', () => {
    const next = progressing(observed([updated]), replicaSet({ replicas: 3, readyReplicas: 1 }), after(60))
    expect(next).toEqual({ ...updated, lastUpdateTime: '2026-01-01T00:01:00Z' })
  })

  test('without progress it stays, until the deadline has passed', () => {
    const web = observed([updated], { replicas: 3, updatedReplicas: 3 })
    const stuck = replicaSet({ replicas: 3 })
    expect(progressing(web, stuck, after(599))).toEqual(updated)
    expect(progressing(web, stuck, after(601))).toEqual({
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: 'ReplicaSet "web-5d9" has timed out progressing.',
      lastUpdateTime: '2026-01-01T00:10:01Z',
      lastTransitionTime: '2026-01-01T00:10:01Z',
    })
  })

  test('once complete, a pod that restarts does not start the deadline again', () => {
    const done = { ...updated, reason: 'NewReplicaSetAvailable' }
    const web = observed([done], { replicas: 3, updatedReplicas: 3, availableReplicas: 3 })
    const next = rolloutStatus(web, { current: replicaSet({ replicas: 3, availableReplicas: 2 }), old: [] }, after(900))
    expect(next.conditions?.find((c) => c.type === 'Progressing')).toEqual(done)
    expect(deadlineInMs(web, next, after(900))).toBeUndefined()
  })

  test('is absent when the deadline is off', () => {
    const web = observed([updated])
    const off = { ...web, spec: { selector: {}, template: {}, ...web.spec, progressDeadlineSeconds: 2 ** 31 - 1 } }
    expect(progressing(off, replicaSet({ replicas: 1 }), start)).toBeUndefined()
  })
})

describe('the status', () => {
  test('counts over all ReplicaSets, and what is missing of their sizes', () => {
    const old = [replicaSet({ replicas: 2, readyReplicas: 2, availableReplicas: 2 }, 2)]
    const current = replicaSet({ replicas: 2, readyReplicas: 1, availableReplicas: 1, terminatingReplicas: 1 }, 2)
    expect(baseStatus(observed([]), { current, old }, start)).toEqual({
      observedGeneration: 2,
      replicas: 4,
      updatedReplicas: 2,
      readyReplicas: 3,
      availableReplicas: 3,
      unavailableReplicas: 1,
      terminatingReplicas: 1,
      conditions: [
        {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
          lastUpdateTime: '2026-01-01T00:00:00Z',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    })
  })

  test('carries the failure of a ReplicaSet to make pods', () => {
    const failure = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }
    const status = rolloutStatus(
      observed([]),
      { current: replicaSet({ replicas: 0, conditions: [failure] }), old: [] },
      start,
    )
    expect(status.conditions).toContainEqual(failure)
  })

  test('is complete only when nothing old is left', () => {
    const web = observed([])
    const all = { updatedReplicas: 3, replicas: 3, availableReplicas: 3, observedGeneration: 2 }
    expect(isComplete(web, all)).toBe(true)
    for (const lacking of [
      { replicas: 4 },
      { updatedReplicas: 2 },
      { availableReplicas: 2 },
      { observedGeneration: 1 },
    ])
      expect(isComplete(web, { ...all, ...lacking })).toBe(false)
  })
})
