import { describe, expect, test } from 'vitest'
import { create, row, update } from '../common/testing.ts'
import type {
  CSIDriver,
  CSIDriverSpec,
  CSINode,
  CSINodeDriver,
  CSIStorageCapacity,
  VolumeAttachment,
  VolumeAttachmentSpec,
  VolumeAttributesClass,
} from '../generated/storage.k8s.io.v1.ts'
import type { KubeObject } from '../machinery/object.ts'

const now = new Date('2026-11-21T00:05:05Z')
const metadata = { name: 'x', creationTimestamp: '2026-11-21T00:00:00Z' }
const cells = (kind: string, object: KubeObject) => Object.values(row(kind, object, now))

describe('CSIDriver', () => {
  const kind = 'CSIDriver'
  const driver = (spec: CSIDriverSpec = {}): CSIDriver => ({ metadata, spec })

  test('gets Kubernetes’ defaults, also when it says nothing', () => {
    const bare = { metadata } as CSIDriver
    for (const { object, errors } of [create(kind, driver()), create(kind, bare)]) {
      expect(errors).toEqual([])
      expect(object.spec).toEqual({
        attachRequired: true,
        fsGroupPolicy: 'ReadWriteOnceWithFSType',
        podInfoOnMount: false,
        requiresRepublish: false,
        seLinuxMount: false,
        storageCapacity: false,
        volumeLifecycleModes: ['Persistent'],
      })
    }
  })

  test.each<[string, CSIDriverSpec, string[]]>([
    [
      'an unknown policy',
      { fsGroupPolicy: 'Always' },
      ['spec.fsGroupPolicy: Unsupported value: "Always": supported values: "File", "None", "ReadWriteOnceWithFSType"'],
    ],
    [
      'an unknown mode',
      { volumeLifecycleModes: ['Brief'] },
      ['spec.volumeLifecycleModes: Unsupported value: "Brief": supported values: "Ephemeral", "Persistent"'],
    ],
    [
      'one audience twice, and tokens that end too soon or too late',
      {
        tokenRequests: [
          { audience: 'a' },
          { audience: 'a' },
          { audience: 'b', expirationSeconds: 599 },
          { audience: 'c', expirationSeconds: 2 ** 32 + 1 },
        ],
      },
      [
        'spec.tokenRequests[1].audience: Duplicate value: "a"',
        'spec.tokenRequests[2].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
        'spec.tokenRequests[3].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds',
      ],
    ],
    [
      'updates of each second',
      { nodeAllocatableUpdatePeriodSeconds: 1 },
      ['spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 1: must be greater than or equal to 10 seconds'],
    ],
    [
      'a place for no tokens',
      { serviceAccountTokenInSecrets: false },
      [
        'spec.serviceAccountTokenInSecrets: Invalid value: false: serviceAccountTokenInSecrets is set but no tokenRequests are specified',
      ],
    ],
  ])('is refused for %s', (_name, spec, expected) => {
    expect(create(kind, driver(spec)).errors).toEqual(expected)
  })

  test('changes, but for what volumes there are and whether they are attached', () => {
    const old = create(kind, driver()).object
    const next = update(old, driver({ podInfoOnMount: true }), { kind })
    expect(next.errors).toEqual([])
    expect(next.object.metadata).toMatchObject({ generation: 1 })
    expect(
      update(old, driver({ attachRequired: false, volumeLifecycleModes: ['Ephemeral'] }), { kind }).errors,
    ).toEqual([
      'spec.attachedRequired: Invalid value: false: field is immutable',
      'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable',
    ])
  })

  test('kubectl get csidrivers', () => {
    const { object } = create(kind, driver({ tokenRequests: [{ audience: 'a' }, { audience: 'b' }] }))
    expect(cells(kind, object)).toEqual(['x', true, false, false, 'a,b', false, 'Persistent', '5m5s'])
    expect(cells(kind, create(kind, driver()).object)[4]).toBe('<unset>')
  })
})

describe('CSINode', () => {
  const kind = 'CSINode'
  const node = (...drivers: CSINodeDriver[]): CSINode => ({ metadata, spec: { drivers } })
  const known: CSINodeDriver = { name: 'd.example.com', nodeID: 'n1', topologyKeys: ['example.com/zone'] }

  test('has drivers, each once', () => {
    expect(create(kind, node(known)).errors).toEqual([])
    expect(create(kind, { metadata } as CSINode).errors).toEqual([])
    const wrong = { ...known, nodeID: '', allocatable: { count: -1 }, topologyKeys: ['', 'a', 'a'] }
    expect(create(kind, node(known, wrong)).errors).toEqual([
      'spec.drivers[1].nodeID: Required value',
      'spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
      'spec.drivers[1].name: Duplicate value: "d.example.com"',
      'spec.drivers[1]: Required value',
      expect.stringMatching(/^spec.drivers\[1\]: Invalid value: "": name part must be non-empty/),
      expect.stringMatching(/^spec.drivers\[1\]: Invalid value: "": name part must consist of/),
      'spec.drivers[1]: Duplicate value: "a"',
    ])
    const long = { name: 'a'.repeat(64), nodeID: 'i'.repeat(257) }
    expect(create(kind, node(long)).errors).toEqual([
      'spec.drivers[0].name: Too long: may not be more than 63 bytes',
      `spec.drivers[0].nodeID: Invalid value: "${long.nodeID}": must be 256 characters or less`,
    ])
  })

  test('drivers come and go, and have other numbers of volumes, but stay what they are', () => {
    const old = create(kind, node(known)).object
    expect(update(old, node(), { kind }).errors).toEqual([])
    expect(update(old, node({ ...known, allocatable: { count: 3 } }), { kind }).errors).toEqual([])
    expect(update(old, node({ ...known, nodeID: 'n2' }), { kind }).errors).toEqual([
      expect.stringMatching(/^spec.drivers: Invalid value: .*: field is immutable$/),
    ])
  })

  test('kubectl get csinodes', () => {
    expect(cells(kind, node(known))).toEqual(['x', 1, '5m5s'])
  })
})

describe('CSIStorageCapacity', () => {
  const kind = 'CSIStorageCapacity'
  const capacity = (change: Partial<CSIStorageCapacity> = {}): CSIStorageCapacity => ({
    metadata,
    storageClassName: 'fast',
    capacity: '1Gi',
    ...change,
  })

  test('is of a class, for nodes, and no debt', () => {
    expect(create(kind, capacity()).errors).toEqual([])
    const wrong = capacity({ capacity: '-1', storageClassName: '', nodeTopology: { matchLabels: { a: '/' } } })
    expect(create(kind, wrong).errors).toEqual([
      expect.stringMatching(/^nodeTopology.matchLabels: Invalid value: "\/"/),
      expect.stringMatching(/^storageClassName: Invalid value: ""/),
      'capacity: Invalid value: "-1": must be greater than or equal to 0',
    ])
  })

  test('only its size changes', () => {
    const old = create(kind, capacity()).object
    expect(update(old, capacity({ capacity: '2Gi' }), { kind }).errors).toEqual([])
    expect(update(old, capacity({ storageClassName: 'slow' }), { kind }).errors).toEqual([
      'storageClassName: Invalid value: "slow": field is immutable',
    ])
  })

  test('kubectl get csistoragecapacities', () => {
    expect(cells(kind, capacity())).toEqual(['x', 'fast', '1Gi'])
    const { capacity: _capacity, ...unknown } = capacity()
    expect(cells(kind, unknown)).toEqual(['x', 'fast', '<unset>'])
  })
})

describe('VolumeAttachment', () => {
  const kind = 'VolumeAttachment'
  const attachment = (change: Partial<VolumeAttachmentSpec> = {}): VolumeAttachment => ({
    metadata,
    spec: { attacher: 'd.example.com', nodeName: 'n1', source: { persistentVolumeName: 'v' }, ...change },
  })
  const csi = { driver: 'd.example.com', volumeHandle: 'v' }

  test('is not attached when it is new', () => {
    const given = { ...attachment(), status: { attached: true } }
    expect(create(kind, given)).toMatchObject({ object: { status: { attached: false } }, errors: [] })
    const inlineVolumeSpec = { csi, accessModes: ['ReadWriteOnce'] }
    expect(create(kind, attachment({ source: { inlineVolumeSpec } })).errors).toEqual([])
  })

  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  test.each<[string, Partial<VolumeAttachmentSpec>, string[]]>([
    ['no volume', { source: {} }, [`spec.source: Required value: ${one}`]],
    [
      'two volumes',
      { source: { persistentVolumeName: 'v', inlineVolumeSpec: { csi } } },
      [`spec.source: Forbidden: ${one}`],
    ],
    [
      'a volume of its own that is not whole',
      { source: { inlineVolumeSpec: { capacity: { storage: '1Gi' }, claimRef: {} } } },
      [
        'spec.source.inlineVolumeSpec.claimRef: Forbidden: may not be specified in the context of inline volumes',
        'spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes',
        'spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes',
        'spec.source.inlineVolumeSpec.accessModes: Required value',
      ],
    ],
    [
      'a long name of its driver',
      { attacher: 'a'.repeat(64) },
      ['spec.attacher: Too long: may not be more than 63 bytes'],
    ],
  ])('is refused for %s', (_name, change, expected) => {
    expect(create(kind, attachment(change)).errors).toEqual(expected)
  })

  test('its spec stays, its status tells how far it is', () => {
    const old = create(kind, attachment()).object
    expect(update(old, attachment({ nodeName: 'n2' }), { kind }).errors).toEqual([
      expect.stringMatching(/^spec: Invalid value: .*: field is immutable$/),
    ])
    const attachError = { message: 'e'.repeat(1025), errorCode: -1 }
    const failed = { ...attachment({ nodeName: 'n2' }), status: { attached: false, attachError } }
    const { object, errors } = update(old, failed, { kind, subresource: 'status' })
    expect(object.spec.nodeName).toBe('n1')
    expect(errors).toEqual([
      'status.attachError.message: Too long: may not be more than 262144 bytes',
      'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ])
  })

  test('kubectl get volumeattachments', () => {
    expect(cells(kind, create(kind, attachment()).object)).toEqual(['x', 'd.example.com', 'v', 'n1', false, '5m5s'])
  })
})

describe('VolumeAttributesClass', () => {
  const kind = 'VolumeAttributesClass'
  const attributes = (change: Partial<VolumeAttributesClass> = {}): VolumeAttributesClass => ({
    metadata,
    driverName: 'd.example.com',
    parameters: { iops: '100' },
    ...change,
  })

  test('has a driver and parameters', () => {
    expect(create(kind, attributes()).errors).toEqual([])
    expect(create(kind, attributes({ driverName: '', parameters: {} })).errors).toEqual([
      'driverName: Required value',
      'parameters: Required value: must contain at least one key/value pair',
    ])
  })

  test('does not change', () => {
    const old = create(kind, attributes()).object
    expect(update(old, attributes({ driverName: 'e', parameters: { iops: '1' } }), { kind }).errors).toEqual([
      'driverName: Forbidden: updates to driverName are forbidden.',
      'parameters: Forbidden: updates to parameters are forbidden.',
    ])
  })

  test('kubectl get vac', () => {
    expect(cells(kind, attributes())).toEqual(['x', 'd.example.com', '5m5s'])
  })
})
