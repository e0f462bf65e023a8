import { expect, test } from 'vitest'
import type { Pod, PodCondition } from '../../generated/v1.ts'
import { disruptionTarget } from './conditions.ts'

const now = new Date('2026-01-01T00:00:10Z')
const why = { reason: 'DeletionByTaintManager', message: 'no place', now }
const target: PodCondition = { type: 'DisruptionTarget', status: 'True', reason: why.reason, message: why.message }

function pod(conditions: PodCondition[] = []): Pod {
  return { metadata: { name: 'web', generation: 3 }, status: { conditions } }
}

test('a pod that gives way says so, of which generation and since when', () => {
  const said = { ...target, lastTransitionTime: '2026-01-01T00:00:10Z', observedGeneration: 3 }
  expect(disruptionTarget(pod(), why)).toEqual(said)
  const revoked = { ...target, status: 'False', lastTransitionTime: '2026-01-01T00:00:00Z' }
  expect(disruptionTarget(pod([revoked]), why)).toEqual(said)
})

test('for another reason it has given way since the first', () => {
  const before = { ...target, reason: 'EvictionByEvictionAPI', lastTransitionTime: '2026-01-01T00:00:00Z' }
  expect(disruptionTarget(pod([before]), why)).toMatchObject({
    reason: 'DeletionByTaintManager',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  })
})
