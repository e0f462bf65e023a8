import { describe, expect, test } from 'vitest'
import { create, definitionOf, row, update } from '../../common/testing.ts'
import type { ControllerRevision, StatefulSet, StatefulSetSpec } from '../../generated/apps.v1.ts'

const metadata = { name: 'web', namespace: 'demo', creationTimestamp: '2026-11-21T00:00:00Z' }
const selector = { matchLabels: { app: 'web' } }
const template = {
  metadata: { name: '', labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'nginx:1.14.2' }] },
}
const statefulSet = (spec: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  metadata,
  spec: { serviceName: 'web', selector, template, ...spec },
})
const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }
const mounting = {
  ...template,
  spec: { containers: [{ name: 'web', image: 'nginx', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
}

test('a StatefulSet gets Kubernetes’ defaults', () => {
  const { object, errors } = create('StatefulSet', statefulSet())
  expect(errors).toEqual([])
  expect(object.metadata.generation).toBe(1)
  expect(object.status).toEqual({ replicas: 0, availableReplicas: 0 })
  expect(object.spec).toMatchObject({
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    podManagementPolicy: 'OrderedReady',
    replicas: 1,
    revisionHistoryLimit: 10,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    template: { spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst' } },
  })
})

test('OnDelete has no rolling update', () => {
  const { object } = create('StatefulSet', statefulSet({ updateStrategy: { type: 'OnDelete' } }))
  expect(object.spec?.updateStrategy).toEqual({ type: 'OnDelete' })
})

const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } })

describe('a StatefulSet is refused for', () => {
  test.each<[string, Partial<StatefulSetSpec>, string[]]>([
    [
      'an unknown pod management',
      { podManagementPolicy: 'Sometimes' },
      [`spec.podManagementPolicy: Invalid value: "Sometimes": must be 'OrderedReady' or 'Parallel'`],
    ],
    [
      'an unknown strategy',
      { updateStrategy: { type: 'Now' } },
      [`spec.updateStrategy: Invalid value: {"type":"Now"}: must be 'RollingUpdate' or 'OnDelete'`],
    ],
    [
      'OnDelete with numbers',
      { updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } },
      [
        `spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy 'RollingUpdate'`,
      ],
    ],
    [
      'a negative partition',
      rolling({ partition: -1 }),
      ['spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'an update that cannot move',
      rolling({ maxUnavailable: 0 }),
      ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0'],
    ],
    [
      'more than all',
      rolling({ maxUnavailable: '101%' }),
      ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    ],
    [
      'an unknown retention',
      { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Keep' } },
      [
        'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": supported values: "Delete", "Retain"',
      ],
    ],
    ['negative replicas', { replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [
      'negative readiness',
      { minReadySeconds: -1 },
      ['spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'negative ordinals',
      { ordinals: { start: -1 } },
      ['spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'a Service name that is no label',
      { serviceName: 'a.b' },
      ['spec.serviceName: Invalid value: "a.b": must not contain dots'],
    ],
    [
      'an empty selector',
      { selector: {} },
      ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset'],
    ],
    [
      'a selector that its template does not match',
      { selector: { matchLabels: { app: 'x' } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
    ],
    [
      'a template that does not restart',
      { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'a template with a deadline',
      { template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 5 } } },
      ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported'],
    ],
    [
      'a mount without a volume',
      { template: mounting },
      ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'],
    ],
  ])('%s', (_, spec, expected) => {
    expect(create('StatefulSet', statefulSet(spec)).errors).toEqual(expected)
  })

  test('a name that is no label', () => {
    expect(definitionOf('StatefulSet').validateName?.('a.b')).toEqual(['must not contain dots'])
  })
})

test('claim templates are volumes that containers may mount', () => {
  const { object, errors } = create('StatefulSet', statefulSet({ template: mounting, volumeClaimTemplates: [claim] }))
  expect(errors).toEqual([])
  expect(object.spec?.volumeClaimTemplates).toEqual([
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem' },
      status: { phase: 'Pending' },
    },
  ])
})

describe('an update of a StatefulSet', () => {
  const old = create('StatefulSet', statefulSet()).object
  const errors = (spec: Partial<StatefulSetSpec>) => update(old, statefulSet(spec), { kind: 'StatefulSet' }).errors
  const why =
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

  test.each<[string, Partial<StatefulSetSpec>]>([
    ['the Service', { serviceName: 'other' }],
    ['the pod management', { podManagementPolicy: 'Parallel' }],
    ['the claims', { volumeClaimTemplates: [claim] }],
  ])('may not change %s', (_, spec) => {
    expect(errors(spec)).toEqual([why])
  })
  test.each<[string, Partial<StatefulSetSpec>]>([
    ['replicas', { replicas: 5 }],
    ['ordinals', { ordinals: { start: 1 } }],
    ['template', { template: { ...template, spec: { containers: [{ name: 'web', image: 'web:2' }] } } }],
    ['updateStrategy', { updateStrategy: { type: 'OnDelete' } }],
    ['revisionHistoryLimit', { revisionHistoryLimit: 1 }],
    ['minReadySeconds', { minReadySeconds: 1 }],
    ['retention', { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' } }],
  ])('may change %s', (_, spec) => {
    expect(errors(spec)).toEqual([])
  })
  test('refuses a status that does not add up', () => {
    const status = { replicas: 1, readyReplicas: 1, availableReplicas: 2, currentReplicas: -1, collisionCount: 1 }
    const before = { ...old, status: { replicas: 1, collisionCount: 2 } }
    expect(update(before, { ...old, status }, { kind: 'StatefulSet', subresource: 'status' }).errors).toEqual([
      'status.currentReplicas: Invalid value: -1: must be greater than or equal to 0',
      'status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas',
      'status.collisionCount: Invalid value: 1: cannot be decremented',
    ])
  })
})

test('kubectl get statefulsets and controllerrevisions -o wide, and the scale', () => {
  const now = new Date('2026-11-21T00:05:05Z')
  const { object } = create('StatefulSet', statefulSet({ replicas: 3 }))
  object.status = { replicas: 3, readyReplicas: 2 }
  expect(row('StatefulSet', object, now)).toEqual({
    Name: 'web',
    Ready: '2/3',
    Age: '5m5s',
    Containers: 'web',
    Images: 'nginx:1.14.2',
  })
  const { scale } = definitionOf('StatefulSet')
  expect(scale?.get(object)).toEqual({ specReplicas: 3, statusReplicas: 3, selector: 'app=web' })
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true }
  const revision: ControllerRevision = {
    metadata: { ...metadata, name: 'web-1', ownerReferences: [owner] },
    data: {},
    revision: 2,
  }
  expect(row('ControllerRevision', revision, now)).toEqual({
    Name: 'web-1',
    Controller: 'statefulset.apps/web',
    Revision: 2,
    Age: '5m5s',
  })
})

test('the data of a ControllerRevision is needed, and stays', () => {
  const revision = (data: unknown): ControllerRevision => ({ metadata, data, revision: 1 })
  expect(create('ControllerRevision', { ...revision(undefined), revision: -1 }).errors).toEqual([
    'data: Required value: data is mandatory',
    'revision: Invalid value: -1: must be greater than or equal to 0',
  ])
  const old = revision({ spec: 1 })
  expect(update(old, { ...old, revision: 2 }, { kind: 'ControllerRevision' }).errors).toEqual([])
  expect(update(old, revision({ spec: 2 }), { kind: 'ControllerRevision' }).errors).toEqual([
    'data: Invalid value: {"spec":2}: field is immutable',
  ])
})
