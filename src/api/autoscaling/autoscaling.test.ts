import { describe, expect, test } from 'vitest'
import { create, row, update } from '../common/testing.ts'
import type * as v1 from '../generated/autoscaling.v1.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec } from '../generated/autoscaling.v2.ts'
import { fromV2, toV2 } from './v1/conversion.ts'

const now = new Date('2026-11-21T00:05:05Z')
const metadata = { name: 'web', namespace: 'demo', creationTimestamp: '2026-11-21T00:00:00Z' }
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const autoscaler = (spec: Partial<HorizontalPodAutoscalerSpec> = {}): HorizontalPodAutoscaler => ({
  metadata,
  spec: { scaleTargetRef, maxReplicas: 5, ...spec },
})
const cpu = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})
const metrics: MetricSpec[] = [
  cpu(50),
  { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
  { type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '100' } } },
  {
    type: 'Object',
    object: { describedObject: scaleTargetRef, metric: { name: 'hits' }, target: { type: 'Value', value: '2k' } },
  },
  {
    type: 'External',
    external: {
      metric: { name: 'queue', selector: { matchLabels: { q: 'a' } } },
      target: { type: 'AverageValue', averageValue: '30' },
    },
  },
  {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'web', target: { type: 'Utilization', averageUtilization: 70 } },
  },
]

describe('HorizontalPodAutoscaler v2', () => {
  test('gets Kubernetes’ defaults', () => {
    const { object, errors } = create(
      'HorizontalPodAutoscaler',
      autoscaler({ behavior: { scaleDown: { selectPolicy: 'Min' } } }),
    )
    expect(errors).toEqual([])
    expect(object).toMatchObject({ spec: { minReplicas: 1, metrics: [cpu(80)] }, status: { desiredReplicas: 0 } })
    expect(object.spec.behavior).toEqual({
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Max',
        policies: [
          { type: 'Pods', value: 4, periodSeconds: 15 },
          { type: 'Percent', value: 100, periodSeconds: 15 },
        ],
      },
      scaleDown: { selectPolicy: 'Min', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
    })
  })

  const target = { type: 'Utilization', averageUtilization: 50 }
  const rules = (change: object) => ({ behavior: { scaleUp: change } })
  test.each<[string, Partial<HorizontalPodAutoscalerSpec>, string[]]>([
    [
      'no pods',
      { minReplicas: 0 },
      [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
      ],
    ],
    [
      'no room',
      { minReplicas: 9 },
      ['spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`'],
    ],
    [
      'no target',
      { scaleTargetRef: { kind: '', name: 'a/b' } },
      [
        'spec.scaleTargetRef.kind: Required value',
        'spec.scaleTargetRef.name: Invalid value: "a/b": may not contain \'/\'',
      ],
    ],
    [
      'an unknown metric',
      { metrics: [{ type: 'Mood' }] },
      [
        'spec.metrics[0].type: Unsupported value: "Mood": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
        'spec.metrics[0].type: Unsupported value: "Mood": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
      ],
    ],
    [
      'a metric that says something else',
      { metrics: [{ type: 'Pods', resource: { name: 'cpu', target } }] },
      ['spec.metrics[0].pods: Required value: must populate information for the given metric source'],
    ],
    [
      'a use of nothing',
      { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }] },
      [
        'spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
      ],
    ],
    [
      'a long memory',
      rules({ stabilizationWindowSeconds: 3601 }),
      ['spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600'],
    ],
    [
      'an unknown policy',
      rules({ selectPolicy: 'Any', policies: [{ type: 'Nodes', value: 0, periodSeconds: 1801 }] }),
      [
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Any": supported values: "Disabled", "Max", "Min"',
        'spec.behavior.scaleUp.policies[0].type: Unsupported value: "Nodes": supported values: "Percent", "Pods"',
        'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
      ],
    ],
  ])('is refused for %s', (_name, spec, expected) => {
    expect(create('HorizontalPodAutoscaler', autoscaler(spec)).errors).toEqual(expected)
  })

  test('its status has an endpoint of its own', () => {
    const old = create('HorizontalPodAutoscaler', autoscaler()).object
    const next = { ...autoscaler({ maxReplicas: 9 }), status: { desiredReplicas: -1 } }
    const { object, errors } = update(old, next, { kind: 'HorizontalPodAutoscaler', subresource: 'status' })
    expect(object.spec).toEqual(old.spec)
    expect(errors).toEqual(['status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0'])
  })

  test('kubectl get hpa', () => {
    const object = autoscaler({ minReplicas: 2, metrics })
    object.status = {
      currentReplicas: 3,
      desiredReplicas: 3,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40 } } }],
    }
    expect(Object.values(row('HorizontalPodAutoscaler', object, now))).toEqual([
      'web',
      'Deployment/web',
      'cpu: 40%/50%, memory: <unknown>/1Gi + 4 more...',
      '2',
      5,
      3,
      '5m5s',
    ])
  })
})

describe('HorizontalPodAutoscaler v1', () => {
  test('is the one of v2, with the rest in annotations, and comes back whole', () => {
    const behavior = { scaleDown: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }], selectPolicy: 'Max' } }
    const conditions = [{ type: 'AbleToScale', status: 'True' }]
    const currentMetrics = [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40 } } },
      { type: 'Pods', pods: { metric: { name: 'rps' }, current: { averageValue: '9' } } },
    ]
    const whole = autoscaler({ minReplicas: 1, metrics, behavior })
    whole.status = { currentReplicas: 1, desiredReplicas: 2, currentMetrics, conditions }
    const seen = fromV2(structuredClone(whole))
    expect(seen.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 50 })
    expect(seen.status).toEqual({ currentReplicas: 1, desiredReplicas: 2, currentCPUUtilizationPercentage: 40 })
    const annotations = seen.metadata.annotations ?? {}
    expect(JSON.parse(annotations['autoscaling.alpha.kubernetes.io/metrics'] ?? '')).toEqual([
      { type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } },
      { type: 'Pods', pods: { metricName: 'rps', targetAverageValue: '100' } },
      { type: 'Object', object: { target: scaleTargetRef, metricName: 'hits', targetValue: '2k' } },
      {
        type: 'External',
        external: { metricName: 'queue', metricSelector: { matchLabels: { q: 'a' } }, targetAverageValue: '30' },
      },
      { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'web', targetAverageUtilization: 70 } },
    ])
    expect(annotations['autoscaling.alpha.kubernetes.io/behavior']).toMatch(/^{"ScaleDown":{"Policies":/)
    expect(toV2(seen)).toEqual(whole)
  })

  test('without a target it has that of v2', () => {
    const plain: v1.HorizontalPodAutoscaler = { metadata, spec: { scaleTargetRef, maxReplicas: 5 } }
    expect(toV2(plain).spec.metrics).toEqual([cpu(80)])
  })
})
