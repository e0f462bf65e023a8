import { describe, expect, test } from 'vitest'
import { create, row, update } from '../common/testing.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../generated/policy.v1.ts'

const now = new Date('2026-11-21T00:05:05Z')
const budget = (spec: PodDisruptionBudgetSpec): PodDisruptionBudget => ({
  metadata: { name: 'web', namespace: 'demo', creationTimestamp: '2026-11-21T00:00:00Z' },
  spec,
})
const selector = { matchLabels: { app: 'web' } }

describe('PodDisruptionBudget', () => {
  test('begins with zeros', () => {
    const { object, errors } = create('PodDisruptionBudget', budget({ minAvailable: 1, selector }))
    expect(errors).toEqual([])
    expect(object).toMatchObject({
      metadata: { generation: 1 },
      status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
    })
  })

  test.each<[string, PodDisruptionBudgetSpec, string[]]>([
    [
      'two limits',
      { minAvailable: 1, maxUnavailable: '50%' },
      [
        'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":"50%","UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
      ],
    ],
    [
      'a negative limit',
      { minAvailable: -1 },
      ['spec.minAvailable: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'more than all',
      { maxUnavailable: '101%' },
      ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    ],
    [
      'an unknown policy',
      { unhealthyPodEvictionPolicy: 'Never' },
      [
        'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
      ],
    ],
  ])('is refused for %s', (_name, spec, expected) => {
    expect(create('PodDisruptionBudget', budget(spec)).errors).toEqual(expected)
  })

  test('its status has an endpoint of its own, and no negative numbers', () => {
    const old = create('PodDisruptionBudget', budget({ minAvailable: 1, selector })).object
    const next = { ...budget({ minAvailable: 2 }), status: { disruptionsAllowed: -1 } }
    const { object, errors } = update(old, next, { kind: 'PodDisruptionBudget', subresource: 'status' })
    expect(object.spec).toEqual(old.spec)
    expect(errors).toEqual(['status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0'])
  })

  test('kubectl get pdb', () => {
    const object = { ...budget({ maxUnavailable: '20%', selector }), status: { disruptionsAllowed: 2 } }
    expect(Object.values(row('PodDisruptionBudget', object, now))).toEqual(['web', 'N/A', '20%', 2, '5m5s'])
  })
})
