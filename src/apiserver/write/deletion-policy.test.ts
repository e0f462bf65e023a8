import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../api/machinery/object.ts'
import { declareResource } from '../../api/resource.ts'
import { decideDeletion } from './deletion-policy.ts'

const now = new Date('2026-01-01T00:00:00Z')
const plain = { group: '', version: 'v1', kind: 'X', plural: 'xs', singular: 'x', namespaced: true, columns: [] }
const instant = declareResource<KubeObject>(plain)
const graceful = declareResource<KubeObject>({ ...plain, gracePeriodSeconds: () => 30 })
const object = (metadata: object): KubeObject => ({ metadata: { name: 'a', uid: 'u', ...metadata } })

describe('a delete', () => {
  test('removes what nothing holds', () => {
    expect(decideDeletion(instant, object({}), {}, now)).toEqual({ type: 'remove' })
  })

  test('marks what has finalizers', () => {
    const deletion = decideDeletion(instant, object({ finalizers: ['a/b'], generation: 1 }), {}, now)
    expect(deletion).toMatchObject({
      type: 'mark',
      object: {
        metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0, generation: 2 },
      },
    })
  })

  test.each([
    [{ propagationPolicy: 'Foreground' as const }, ['foregroundDeletion']],
    [{ propagationPolicy: 'Orphan' as const }, ['orphan']],
    [{ orphanDependents: true }, ['orphan']],
  ])('%o waits for the garbage collector', (options, finalizers) => {
    expect(decideDeletion(instant, object({}), options, now)).toMatchObject({
      type: 'mark',
      object: { metadata: { finalizers } },
    })
  })

  test('grants the grace period, in the future', () => {
    expect(decideDeletion(graceful, object({}), {}, now)).toMatchObject({
      type: 'mark',
      object: { metadata: { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 } },
    })
  })

  test('with grace 0 removes at once', () => {
    expect(decideDeletion(graceful, object({}), { gracePeriodSeconds: 0 }, now)).toEqual({ type: 'remove' })
  })

  test('does not wait where nobody is to be waited for', () => {
    const unbound = declareResource<KubeObject>({ ...plain, gracePeriodSeconds: () => undefined })
    expect(decideDeletion(unbound, object({}), { gracePeriodSeconds: 30 }, now)).toEqual({ type: 'remove' })
  })

  test('waits as long as it is asked to, also for who would usually not be waited for', () => {
    const hasty = declareResource<KubeObject>({ ...plain, gracePeriodSeconds: () => 0 })
    expect(decideDeletion(hasty, object({}), {}, now)).toEqual({ type: 'remove' })
    expect(decideDeletion(hasty, object({}), { gracePeriodSeconds: 1 }, now)).toMatchObject({ type: 'mark' })
  })

  describe('of what is being deleted already', () => {
    const dying = object({ deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 })

    test('changes nothing by itself', () => {
      expect(decideDeletion(graceful, dying, {}, now)).toEqual({ type: 'none' })
      expect(decideDeletion(graceful, dying, { gracePeriodSeconds: 60 }, now)).toEqual({ type: 'none' })
    })

    test('may hurry it', () => {
      expect(decideDeletion(graceful, dying, { gracePeriodSeconds: 5 }, now)).toMatchObject({
        type: 'mark',
        object: { metadata: { deletionTimestamp: '2026-01-01T00:00:05Z', deletionGracePeriodSeconds: 5 } },
      })
      expect(decideDeletion(graceful, dying, { gracePeriodSeconds: 0 }, now)).toEqual({ type: 'remove' })
    })
  })
})
