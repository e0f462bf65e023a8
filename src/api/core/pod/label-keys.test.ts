import { expect, test } from 'vitest'
import type { Pod } from '../../generated/v1.ts'
import { preparePodForCreate } from './strategy.ts'

test('label keys become requirements of the selectors, for labels that the pod has', () => {
  const term = () => ({
    topologyKey: 'zone',
    labelSelector: { matchLabels: { app: 'web' } },
    matchLabelKeys: ['hash', 'absent'],
    mismatchLabelKeys: ['tenant'],
  })
  const bare = { topologyKey: 'zone', matchLabelKeys: ['hash'] }
  const spread = { maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', topologyKey: 'zone' }
  const pod: Pod = {
    metadata: { name: 'p', labels: { app: 'web', hash: '1', tenant: 'x' } },
    spec: {
      containers: [],
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(), bare] },
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term() }],
        },
      },
      topologySpreadConstraints: [{ ...spread, labelSelector: {}, matchLabelKeys: ['hash'] }],
    },
  }
  preparePodForCreate(pod)
  const same = { key: 'hash', operator: 'In', values: ['1'] }
  const matchExpressions = [same, { key: 'tenant', operator: 'NotIn', values: ['x'] }]
  expect(pod.spec).toMatchObject({
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ ...term(), labelSelector: { matchExpressions } }, bare],
      },
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: { labelSelector: { matchExpressions } } }],
      },
    },
    topologySpreadConstraints: [{ labelSelector: { matchExpressions: [same] } }],
  })
})
