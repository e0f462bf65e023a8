import { afterEach, describe, expect, test } from 'vitest'
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeSpec,
  Pod,
  PodSpec,
} from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { startScheduler } from '../scheduler/index.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, node, startHarness } from '../testing/harness.ts'
import {
  startClaimProtection,
  startPersistentVolumeController,
  startStandardStorageClass,
  startVolumeProtection,
} from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

/** Directories that are only names. */
class FakeDirectories {
  readonly names = new Set<string>()

  async create(name: string): Promise<string> {
    this.names.add(name)
    return `/volumes/${name}`
  }

  async remove(name: string): Promise<void> {
    this.names.delete(name)
  }
}

async function begin({ dynamic = false }: { dynamic?: boolean } = {}) {
  const api = new FakeApi()
  const directories = new FakeDirectories()
  harness = startHarness(
    (ctx) => {
      startPersistentVolumeController(ctx, dynamic ? directories : undefined)
      startClaimProtection(ctx)
      startVolumeProtection(ctx)
      if (dynamic) startStandardStorageClass(ctx)
      startScheduler(ctx)
    },
    { api },
  )
  const { quiet } = harness
  await quiet()
  const at = (name: string) => api.all(resources.persistentVolumeClaims).find(({ metadata }) => metadata.name === name)
  return {
    api,
    directories,
    quiet,
    volume: async (name: string, storage: string, spec: PersistentVolumeSpec = {}) => {
      const accessModes = ['ReadWriteOnce']
      const hostPath = { path: '/data' }
      const policy = { persistentVolumeReclaimPolicy: 'Retain' }
      await api.create<PersistentVolume>(resources.persistentVolumes, {
        metadata: { name, finalizers: ['kubernetes.io/pv-protection'] },
        spec: { capacity: { storage }, accessModes, hostPath, ...policy, ...spec },
      })
      await quiet()
    },
    claim: async (name: string, storage: string, spec: PersistentVolumeClaim['spec'] = {}) => {
      await api.create<PersistentVolumeClaim>(resources.persistentVolumeClaims, {
        metadata: { name, namespace: 'demo', finalizers: ['kubernetes.io/pvc-protection'] },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...spec },
      })
      await quiet()
      return at(name)
    },
    at,
    phases: () =>
      Object.fromEntries(
        api.all(resources.persistentVolumes).map(({ metadata, status }) => [metadata.name, status?.phase]),
      ),
    reasons: () => api.all(resources.events).map(({ reason }) => reason),
    pod: async (name: string, claimName: string, spec: Partial<PodSpec> = {}) => {
      const volumes = [{ name: 'data', persistentVolumeClaim: { claimName } }]
      const pod: Pod = { metadata: { name, namespace: 'demo' }, spec: { containers: [], volumes, ...spec } }
      await api.create(resources.pods, pod)
      await quiet()
    },
  }
}

test('a claim gets the smallest volume that is large enough', async () => {
  const { volume, claim, phases } = await begin()
  await volume('small', '1Gi')
  await volume('large', '10Gi')
  await volume('medium', '5Gi')
  expect(phases()).toEqual({ small: 'Available', large: 'Available', medium: 'Available' })
  expect(await claim('data', '2Gi')).toMatchObject({
    metadata: {
      annotations: { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' },
    },
    spec: { volumeName: 'medium' },
    status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } },
  })
  expect(phases()).toEqual({ small: 'Available', large: 'Available', medium: 'Bound' })
})

test('two claims never get one volume', async () => {
  const { volume, claim, at } = await begin()
  await claim('a', '1Gi')
  await claim('b', '1Gi')
  await volume('only', '1Gi')
  const phases = [at('a')?.status?.phase, at('b')?.status?.phase]
  expect(phases.filter((phase) => phase === 'Bound')).toHaveLength(1)
})

describe('a volume does not do for a claim', () => {
  test.each<[string, PersistentVolumeSpec, NonNullable<PersistentVolumeClaim['spec']>]>([
    ['of another class', { storageClassName: 'slow' }, { storageClassName: 'fast' }],
    ['of another mode', {}, { accessModes: ['ReadWriteMany'] }],
    ['of blocks', {}, { volumeMode: 'Block' }],
    ['with a selector', {}, { selector: { matchLabels: { tier: 'gold' } } }],
    ['that another is to get', { claimRef: { namespace: 'demo', name: 'other' } }, {}],
  ])('%s', async (_name, volumeSpec, claimSpec) => {
    const { volume, claim, reasons } = await begin()
    await volume('pv', '1Gi', volumeSpec)
    expect((await claim('data', '1Gi', claimSpec))?.spec?.volumeName).toBeUndefined()
    expect(reasons()).toContain(claimSpec.storageClassName ? 'ProvisioningFailed' : 'FailedBinding')
  })
})

test('a volume set aside for a claim is its own, also for one that names it', async () => {
  const { volume, claim } = await begin()
  await volume('any', '1Gi')
  await volume('mine', '9Gi', { claimRef: { namespace: 'demo', name: 'data' } })
  expect((await claim('data', '1Gi'))?.spec?.volumeName).toBe('mine')
  expect((await claim('named', '1Gi', { volumeName: 'any' }))?.status?.phase).toBe('Bound')
})

test('a volume whose claim is gone is released, and taken by nobody', async () => {
  const { api, volume, claim, phases, quiet } = await begin()
  await volume('pv', '1Gi')
  await claim('data', '1Gi')
  await api.delete(resources.persistentVolumeClaims, { namespace: 'demo', name: 'data' })
  await quiet()
  expect(phases()).toEqual({ pv: 'Released' })
  expect((await claim('data', '1Gi'))?.spec?.volumeName).toBeUndefined()
  await api.delete(resources.persistentVolumes, { name: 'pv' })
  await quiet()
  expect(phases()).toEqual({})
})

test('claims and volumes in use stay', async () => {
  const { api, volume, claim, pod, at, phases, quiet } = await begin()
  await volume('pv', '1Gi')
  await claim('data', '1Gi')
  await pod('user', 'data')
  await api.delete(resources.persistentVolumes, { name: 'pv' })
  await api.delete(resources.persistentVolumeClaims, { namespace: 'demo', name: 'data' })
  await quiet()
  expect(at('data')?.metadata.deletionTimestamp).toBeDefined()
  expect(phases()).toEqual({ pv: 'Bound' })
  await api.delete(resources.pods, { namespace: 'demo', name: 'user' }, { gracePeriodSeconds: 0 })
  await quiet()
  expect(at('data')).toBeUndefined()
  expect(phases()).toEqual({})
})

test('a claim whose volume is gone is lost', async () => {
  const { api, volume, claim, at, quiet } = await begin()
  await volume('pv', '1Gi')
  await claim('data', '1Gi')
  const pv = api.all(resources.persistentVolumes)[0]!
  await api.update(resources.persistentVolumes, { ...pv, metadata: { ...pv.metadata, finalizers: [] } })
  await api.delete(resources.persistentVolumes, { name: 'pv' })
  await quiet()
  expect(at('data')?.status).toEqual({ phase: 'Lost' })
})

describe('a class that waits for the first pod', () => {
  const onNode = (name: string) => ({
    required: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [name] }] }],
    },
  })
  async function beginWith(provisioner: string) {
    const started = await begin()
    const { api } = started
    for (const name of ['n1', 'n2']) {
      await api.create(resources.nodes, node(name, { metadata: { name, labels: { 'kubernetes.io/hostname': name } } }))
    }
    const volumeBindingMode = 'WaitForFirstConsumer'
    await api.create(resources.storageClasses, { metadata: { name: 'local' }, provisioner, volumeBindingMode })
    return { ...started, claimOf: (name: string) => started.claim(name, '1Gi', { storageClassName: 'local' }) }
  }
  const events = (api: FakeApi) => api.all(resources.events).map(({ reason, message }) => `${reason}: ${message}`)
  const placed = (api: FakeApi) => api.all(resources.pods).map(({ spec }) => spec?.nodeName)

  test('takes a volume of a node that the pod can run on', async () => {
    const { api, volume, claimOf, pod, at } = await beginWith('kubernetes.io/no-provisioner')
    await volume('pv1', '1Gi', { storageClassName: 'local', nodeAffinity: onNode('n1') })
    await volume('pv2', '5Gi', { storageClassName: 'local', nodeAffinity: onNode('n2') })
    expect((await claimOf('data'))?.spec?.volumeName).toBeUndefined()
    expect(events(api)).toContain('WaitForFirstConsumer: waiting for first consumer to be created before binding')
    await pod('user', 'data', { nodeSelector: { 'kubernetes.io/hostname': 'n2' } })
    expect(at('data')).toMatchObject({ spec: { volumeName: 'pv2' }, status: { phase: 'Bound' } })
    expect(placed(api)).toEqual(['n2'])
    expect(events(api).filter((event) => event.startsWith('FailedScheduling'))).toEqual([])
  })

  test('has no node for a pod without a volume for each claim', async () => {
    const { api, volume, claimOf, pod } = await beginWith('kubernetes.io/no-provisioner')
    await claimOf('data')
    await pod('user', 'data')
    const condition = api.all(resources.pods)[0]?.status?.conditions?.[0]
    expect(condition?.message).toMatch(
      /^0\/2 nodes are available: 2 node\(s\) didn't find available persistent volumes to bind\. /,
    )
    await volume('late', '1Gi', { storageClassName: 'local', nodeAffinity: onNode('n1') })
    expect(placed(api)).toEqual(['n1'])
  })

  test('tells its provisioner the node, and the pod goes there once the volume is made', async () => {
    const { api, volume, claimOf, pod, at, quiet } = await beginWith('csi.example.com')
    await claimOf('data')
    await pod('user', 'data')
    const selected = at('data')?.metadata.annotations?.['volume.kubernetes.io/selected-node']
    expect(selected).toBe('n1')
    expect(placed(api)).toEqual([undefined])
    const claimRef = { namespace: 'demo', name: 'data', uid: at('data')?.metadata.uid ?? '' }
    await volume('made', '1Gi', { storageClassName: 'local', nodeAffinity: onNode('n1'), claimRef })
    await quiet()
    expect(placed(api)).toEqual(['n1'])
  })
})

test('the standard class makes a directory for each claim, and removes it with the claim', async () => {
  const { api, directories, claim, phases, quiet } = await begin({ dynamic: true })
  const data = await claim('data', '3Gi', { storageClassName: 'standard' })
  const name = `pvc-${data?.metadata.uid}`
  expect(data?.status).toMatchObject({ phase: 'Bound', capacity: { storage: '3Gi' } })
  expect(api.all(resources.persistentVolumes)).toMatchObject([
    {
      metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': 'fairway/host-path' } },
      spec: {
        hostPath: { path: `/volumes/${name}` },
        storageClassName: 'standard',
        persistentVolumeReclaimPolicy: 'Delete',
      },
    },
  ])
  expect([...directories.names]).toEqual([name])
  await api.delete(resources.persistentVolumeClaims, { namespace: 'demo', name: 'data' })
  await quiet()
  expect(phases()).toEqual({})
  expect([...directories.names]).toEqual([])
})

describe('a pod with a claim', () => {
  const message = (api: FakeApi) =>
    api.all(resources.pods)[0]?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message

  test('waits for it to be bound, and goes where its volume is', async () => {
    const { api, volume, claim, pod, quiet } = await begin()
    for (const name of ['n1', 'n2']) {
      await api.create(resources.nodes, node(name, { metadata: { name, labels: { 'kubernetes.io/hostname': name } } }))
    }
    await pod('user', 'data')
    expect(message(api)).toMatch(/^0\/2 nodes are available: persistentvolumeclaim "data" not found\. /)
    await claim('data', '1Gi')
    expect(message(api)).toMatch(/^0\/2 nodes are available: pod has unbound immediate PersistentVolumeClaims\. /)
    const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n2'] }]
    await volume('pv', '1Gi', { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } })
    await quiet()
    expect(api.all(resources.pods)[0]?.spec?.nodeName).toBe('n2')
  })
})
