import { describe, expect, test } from 'vitest'
import { create, definitionOf, row, update } from '../common/testing.ts'
import type { DaemonSet, Deployment, DeploymentSpec, ReplicaSet } from '../generated/apps.v1.ts'

const now = new Date('2026-11-21T00:05:05Z')
const metadata = { name: 'web', namespace: 'demo', creationTimestamp: '2026-11-21T00:00:00Z' }
const selector = { matchLabels: { app: 'web' } }
const template = {
  metadata: { name: '', labels: { app: 'web', env: 'prod' } },
  spec: { containers: [{ name: 'web', image: 'nginx:1.14.2', ports: [{ containerPort: 80 }] }] },
}

function deployment(spec: Partial<DeploymentSpec> = {}): Deployment {
  return { metadata, spec: { selector, template, ...spec } }
}

const defaultedPod = {
  containers: [
    {
      name: 'web',
      image: 'nginx:1.14.2',
      imagePullPolicy: 'IfNotPresent',
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    },
  ],
  dnsPolicy: 'ClusterFirst',
  restartPolicy: 'Always',
  schedulerName: 'default-scheduler',
  securityContext: {},
  terminationGracePeriodSeconds: 30,
}

test('a Deployment gets Kubernetes’ defaults', () => {
  const { object, errors } = create('Deployment', deployment())
  expect(errors).toEqual([])
  expect(object.metadata.generation).toBe(1)
  expect(object.status).toEqual({})
  expect(object.spec).toEqual({
    progressDeadlineSeconds: 600,
    replicas: 1,
    revisionHistoryLimit: 10,
    selector,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: { metadata: template.metadata, spec: defaultedPod },
  })
})

test('a ReplicaSet gets Kubernetes’ defaults', () => {
  const { object, errors } = create<ReplicaSet>('ReplicaSet', { metadata, spec: { selector, template } })
  expect(errors).toEqual([])
  expect(object.status).toEqual({ replicas: 0 })
  expect(object.spec).toEqual({ replicas: 1, selector, template: { metadata: template.metadata, spec: defaultedPod } })
})

test('a DaemonSet gets Kubernetes’ defaults', () => {
  const { object, errors } = create<DaemonSet>('DaemonSet', { metadata, spec: { selector, template } })
  expect(errors).toEqual([])
  expect(object.spec).toMatchObject({
    revisionHistoryLimit: 10,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
  })
})

describe('a Deployment is refused for', () => {
  test.each<[string, Partial<DeploymentSpec>, string[]]>([
    ['negative replicas', { replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [
      'a selector that its template does not match',
      { selector: { matchLabels: { app: 'other' } } },
      [
        'spec.template.metadata.labels: Invalid value: {"app":"web","env":"prod"}: `selector` does not match template `labels`',
      ],
    ],
    [
      'an empty selector',
      { selector: {} },
      ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    ],
    [
      'a selector with an unknown operator',
      { selector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } },
      ['spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator'],
    ],
    [
      'In without values',
      { selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      [
        "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      ],
    ],
    [
      'an unknown strategy',
      { strategy: { type: 'BlueGreen' } },
      ['spec.strategy.type: Unsupported value: "BlueGreen": supported values: "Recreate", "RollingUpdate"'],
    ],
    [
      'Recreate with numbers',
      { strategy: { type: 'Recreate', rollingUpdate: {} } },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      'a roll-out that cannot move',
      { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
    ],
    [
      'more than all',
      { strategy: { rollingUpdate: { maxUnavailable: '101%' } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    ],
    [
      'a surge that is no number',
      { strategy: { rollingUpdate: { maxSurge: 'two' } } },
      [
        "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"two\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ],
    ],
    [
      'a deadline not above minReadySeconds',
      { minReadySeconds: 600 },
      ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds'],
    ],
    [
      'a template without containers',
      { template: { metadata: template.metadata, spec: { containers: [] } } },
      ['spec.template.spec.containers: Required value'],
    ],
    [
      'a template that does not restart',
      { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'a template with a deadline',
      { template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 5 } } },
      ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported'],
    ],
  ])('%s', (_name, spec, expected) => {
    expect(create('Deployment', deployment(spec)).errors).toEqual(expected)
  })
})

const mismatch = 'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`'
const noContainers = 'spec.template.spec.containers: Required value'

test.each<[string, string[]]>([
  ['Deployment', ['spec.selector: Required value', mismatch, noContainers]],
  ['ReplicaSet', ['spec.selector: Required value', mismatch, noContainers]],
  ['DaemonSet', [mismatch, noContainers]],
])('a %s that says nothing is refused', (kind, expected) => {
  expect(create(kind, { metadata }).errors).toEqual(expected)
})

describe('an update of a Deployment', () => {
  const old = create('Deployment', deployment()).object

  test('may not change the selector', () => {
    const next = deployment({ selector: { matchLabels: { env: 'prod' } } })
    expect(update(old, next, { kind: 'Deployment' }).errors).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"env":"prod"}}: field is immutable',
    ])
  })

  test('counts a generation for a change of the spec only', () => {
    const generation = (next: Deployment, subresource?: 'status') =>
      update(old, next, { kind: 'Deployment', ...(subresource && { subresource }) }).object.metadata.generation
    expect(generation(deployment())).toBe(1)
    expect(generation({ ...deployment(), metadata: { ...metadata, labels: { a: 'b' } } })).toBe(1)
    expect(generation(deployment({ replicas: 3 }))).toBe(2)
    expect(generation({ ...deployment({ replicas: 3 }), status: { replicas: 1 } }, 'status')).toBe(1)
  })

  test('refuses a status that does not add up', () => {
    const status = { replicas: 1, readyReplicas: 2, availableReplicas: 1 }
    expect(update(old, { ...old, status }, { kind: 'Deployment', subresource: 'status' }).errors).toEqual([
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ])
  })
})

test.each<[string, DaemonSet['spec'], string[]]>([
  [
    'surge and unavailable together',
    { selector, template, updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } },
    ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero'],
  ],
  [
    'neither',
    { selector, template, updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
    ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
  ],
  [
    'an unknown strategy',
    { selector, template, updateStrategy: { type: 'Now' } },
    ['spec.updateStrategy.type: Unsupported value: "Now": supported values: "OnDelete", "RollingUpdate"'],
  ],
  [
    'an empty selector',
    { selector: {}, template },
    ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset'],
  ],
])('a DaemonSet is refused for %s', (_name, spec, expected) => {
  expect(create<DaemonSet>('DaemonSet', { metadata, ...(spec && { spec }) }).errors).toEqual(expected)
})

test('the scale of a Deployment', () => {
  const { object } = create('Deployment', deployment({ replicas: 3 }))
  object.status = { replicas: 2 }
  const { scale } = definitionOf('Deployment')
  expect(scale?.get(object)).toEqual({ specReplicas: 3, statusReplicas: 2, selector: 'app=web' })
  scale?.set(object, 5)
  expect(object.spec?.replicas).toBe(5)
})

test('kubectl get deployments, replicasets and daemonsets -o wide', () => {
  const { object } = create('Deployment', deployment({ replicas: 3 }))
  object.status = { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 }
  expect(row('Deployment', object, now)).toEqual({
    Name: 'web',
    Ready: '2/3',
    'Up-to-date': 3,
    Available: 2,
    Age: '5m5s',
    Containers: 'web',
    Images: 'nginx:1.14.2',
    Selector: 'app=web',
  })
  const set: ReplicaSet = {
    metadata,
    spec: { replicas: 3, selector, template },
    status: { replicas: 2, readyReplicas: 1 },
  }
  expect(row('ReplicaSet', set, now)).toEqual({
    Name: 'web',
    Desired: 3,
    Current: 2,
    Ready: 1,
    Age: '5m5s',
    Containers: 'web',
    Images: 'nginx:1.14.2',
    Selector: 'app=web',
  })
  const daemon: DaemonSet = {
    metadata,
    spec: {
      selector,
      template: { ...template, spec: { ...template.spec, nodeSelector: { 'kubernetes.io/os': 'linux' } } },
    },
    status: {
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 2,
      numberMisscheduled: 0,
      updatedNumberScheduled: 3,
    },
  }
  expect(Object.values(row('DaemonSet', daemon, now))).toEqual([
    'web',
    3,
    3,
    2,
    3,
    0,
    'kubernetes.io/os=linux',
    '5m5s',
    'web',
    'nginx:1.14.2',
    'app=web',
  ])
})

test('a DaemonSet counts its templates, whatever a client says', () => {
  const counted = (set: DaemonSet) => set.metadata.annotations?.['deprecated.daemonset.template.generation']
  const { object } = create<DaemonSet>('DaemonSet', { metadata, spec: { selector, template } })
  expect(counted(object)).toBe('1')
  const changed = { ...object.spec, selector, minReadySeconds: 5, template }
  expect(counted(update(object, { metadata, spec: changed }, { kind: 'DaemonSet' }).object)).toBe('1')
  const other = { ...template, metadata: { name: '', labels: { app: 'web' } } }
  expect(counted(update(object, { metadata, spec: { selector, template: other } }, { kind: 'DaemonSet' }).object)).toBe(
    '2',
  )
})
