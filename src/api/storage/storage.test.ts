import { describe, expect, test } from 'vitest'
import { create, row, update } from '../common/testing.ts'
import type { StorageClass } from '../generated/storage.k8s.io.v1.ts'
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
} from '../generated/v1.ts'

const now = new Date('2026-11-21T00:05:05Z')
const metadata = { name: 'data', creationTimestamp: '2026-11-21T00:00:00Z' }
const volume = (spec: PersistentVolumeSpec = {}): PersistentVolume => ({
  metadata,
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' }, ...spec },
})
const without = (field: keyof PersistentVolumeSpec): PersistentVolume => {
  const object = volume()
  delete object.spec?.[field]
  return object
}

describe('PersistentVolume', () => {
  test('gets Kubernetes’ defaults', () => {
    const { object, errors } = create('PersistentVolume', volume())
    expect(errors).toEqual([])
    expect(object).toMatchObject({
      spec: {
        persistentVolumeReclaimPolicy: 'Retain',
        volumeMode: 'Filesystem',
        hostPath: { path: '/data', type: '' },
      },
      status: { phase: 'Pending', lastPhaseTransitionTime: '2026-11-21T00:00:00Z' },
    })
  })

  const affinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }] } }
  test.each<[string, PersistentVolume, string[]]>([
    ['no modes', without('accessModes'), ['spec.accessModes: Required value']],
    [
      'no capacity',
      without('capacity'),
      ['spec.capacity: Required value', 'spec.capacity: Unsupported value: {}: supported values: "storage"'],
    ],
    [
      'an unknown mode',
      volume({ accessModes: ['Sometimes'] }),
      [
        'spec.accessModes: Unsupported value: "Sometimes": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      ],
    ],
    [
      'one pod and others',
      volume({ accessModes: ['ReadWriteOncePod', 'ReadOnlyMany'] }),
      ['spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
    ],
    [
      'nothing in it',
      volume({ capacity: { storage: '0' } }),
      ['spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
    ],
    ['no place', without('hostPath'), ['spec: Required value: must specify a volume type']],
    [
      'two places',
      volume({ local: { path: '/b' }, nodeAffinity: affinity }),
      ['spec.local: Forbidden: may not specify more than 1 volume type'],
    ],
    [
      'a local place anywhere',
      { metadata, spec: { ...without('hostPath').spec, local: { path: '/b' } } },
      ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
    ],
    [
      'recycling the root',
      volume({ hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' }),
      ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ],
  ])('is refused for %s', (_name, object, expected) => {
    expect(create('PersistentVolume', object).errors).toEqual(expected)
  })

  test('stays where it is', () => {
    const old = create('PersistentVolume', volume()).object
    const moved = volume({ hostPath: { path: '/other' } })
    expect(update(old, moved, { kind: 'PersistentVolume' }).errors).toEqual([
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n- hostPath.path: "/data"\n+ hostPath.path: "/other"',
    ])
    const claimRef = { namespace: 'demo', name: 'data' }
    expect(update(old, volume({ claimRef }), { kind: 'PersistentVolume' }).errors).toEqual([])
  })

  test('kubectl get pv', () => {
    const object = { ...volume({ claimRef: { namespace: 'demo', name: 'data' }, storageClassName: 'slow' }) }
    object.status = { phase: 'Bound' }
    expect(Object.values(row('PersistentVolume', create('PersistentVolume', object).object, now))).toEqual([
      'data',
      '1Gi',
      'RWO',
      'Retain',
      'Pending',
      'demo/data',
      'slow',
      '<unset>',
      '',
      '5m5s',
      'Filesystem',
    ])
  })
})

describe('PersistentVolumeClaim', () => {
  const resources = { requests: { storage: '1Gi' } }
  const claim = (spec: PersistentVolumeClaimSpec = {}): PersistentVolumeClaim => ({
    metadata: { ...metadata, namespace: 'demo' },
    spec: { accessModes: ['ReadWriteOnce'], resources, ...spec },
  })

  test('gets Kubernetes’ defaults', () => {
    const { object, errors } = create('PersistentVolumeClaim', claim())
    expect(errors).toEqual([])
    expect(object).toMatchObject({ spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } })
  })

  test.each<[string, PersistentVolumeClaimSpec, string[]]>([
    ['no mode', { accessModes: [] }, ['spec.accessModes: Required value: at least 1 access mode is required']],
    ['no size', { resources: {} }, ['spec.resources[storage]: Required value']],
    [
      'a negative size',
      { resources: { requests: { storage: '-1' } } },
      ['spec.resources[storage]: Invalid value: "-1": must be greater than zero'],
    ],
    [
      'an unknown volume mode',
      { volumeMode: 'Tape' },
      ['spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"'],
    ],
  ])('is refused for %s', (_name, spec, expected) => {
    expect(create('PersistentVolumeClaim', claim(spec)).errors).toEqual(expected)
  })

  test('gets a volume once, and grows when it has it', () => {
    const kind = 'PersistentVolumeClaim'
    const old = create(kind, claim()).object
    const bigger = { resources: { requests: { storage: '2Gi' } } }
    const immutable =
      /^spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n/
    expect(update(old, claim({ volumeName: 'pv' }), { kind }).errors).toEqual([])
    expect(update(old, claim(bigger), { kind }).errors[0]).toMatch(immutable)
    const bound = { ...create(kind, claim({ volumeName: 'pv' })).object }
    bound.status = { phase: 'Bound', capacity: { storage: '1Gi' } }
    expect(update(bound, claim({ ...bigger, volumeName: 'pv' }), { kind }).errors).toEqual([])
    expect(update(bound, claim({ volumeName: 'other' }), { kind }).errors[0]).toMatch(immutable)
    const smaller = { resources: { requests: { storage: '1Mi' } }, volumeName: 'pv' }
    expect(update(bound, claim(smaller), { kind }).errors).toEqual([
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    ])
  })

  test('kubectl get pvc', () => {
    const object = create('PersistentVolumeClaim', claim({ volumeName: 'pv', storageClassName: '' })).object
    object.status = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } }
    expect(Object.values(row('PersistentVolumeClaim', object, now))).toEqual([
      'data',
      'Bound',
      'pv',
      '5Gi',
      'RWO',
      '',
      '<unset>',
      '5m5s',
      'Filesystem',
    ])
  })
})

describe('StorageClass', () => {
  const storageClass = (change: Partial<StorageClass> = {}): StorageClass => ({
    metadata,
    provisioner: 'kubernetes.io/no-provisioner',
    ...change,
  })

  test('gets Kubernetes’ defaults', () => {
    const { object, errors } = create('StorageClass', storageClass())
    expect(errors).toEqual([])
    expect(object).toMatchObject({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' })
  })

  test.each<[string, Partial<StorageClass>, string[]]>([
    ['no provisioner', { provisioner: '' }, ['provisioner: Required value']],
    [
      'an unknown policy',
      { reclaimPolicy: 'Recycle' },
      ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
    ],
    [
      'an unknown binding mode',
      { volumeBindingMode: 'Later' },
      ['volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"'],
    ],
    [
      'a topology without values',
      { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: [] }] }] },
      ['allowedTopologies[0].matchLabelExpressions[0].values: Required value'],
    ],
  ])('is refused for %s', (_name, change, expected) => {
    expect(create('StorageClass', storageClass(change)).errors).toEqual(expected)
  })

  test('hardly changes', () => {
    const old = create('StorageClass', storageClass()).object
    const change = { provisioner: 'a/b', parameters: { a: 'b' }, reclaimPolicy: 'Retain' }
    expect(update(old, storageClass(change), { kind: 'StorageClass' }).errors).toEqual([
      'parameters: Forbidden: updates to parameters are forbidden.',
      'provisioner: Forbidden: updates to provisioner are forbidden.',
      'reclaimPolicy: Invalid value: "Retain": field is immutable',
    ])
  })

  test('kubectl get sc', () => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    const object = storageClass({ metadata: { ...metadata, annotations } })
    expect(Object.values(row('StorageClass', object, now))).toEqual([
      'data (default)',
      'kubernetes.io/no-provisioner',
      'Delete',
      'Immediate',
      false,
      '5m5s',
    ])
  })
})
