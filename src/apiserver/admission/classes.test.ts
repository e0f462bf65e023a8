import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import { startTestServer, type TestServer } from '../test-server.ts'

const scheduling = '/apis/scheduling.k8s.io/v1/priorityclasses'
const pods = '/api/v1/namespaces/default/pods'
const claims = '/api/v1/namespaces/default/persistentvolumeclaims'

const createPod = async (server: TestServer, spec: object) => {
  await server.request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  const containers = [{ name: 'web', image: 'nginx' }]
  return server.request('POST', pods, { metadata: { generateName: 'web-' }, spec: { containers, ...spec } })
}

describe('the priority of a pod', () => {
  test('is its class’s, or the default’s, or none', async () => {
    await using server = await startTestServer()
    expect((await createPod(server, {})).body['spec']).toMatchObject({ priority: 0 })
    await server.request('POST', scheduling, { metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' })
    await server.request('POST', scheduling, { metadata: { name: 'usual' }, value: 10, globalDefault: true })
    expect((await createPod(server, { priorityClassName: 'high' })).body['spec']).toMatchObject({
      priority: 1000,
      preemptionPolicy: 'Never',
    })
    expect((await createPod(server, {})).body['spec']).toMatchObject({ priority: 10, priorityClassName: 'usual' })
    const critical = await createPod(server, { priorityClassName: 'system-node-critical' })
    expect(critical.body['spec']).toMatchObject({ priority: 2_000_001_000 })
  })

  test('is not the user’s to say', async () => {
    await using server = await startTestServer()
    const { status, body } = await createPod(server, { priority: 5 })
    expect(status).toBe(403)
    expect(body.message).toBe(
      'pods "web-" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    )
    expect((await createPod(server, { priorityClassName: 'none' })).body.message).toBe(
      'pods "web-" is forbidden: no PriorityClass with name none was found',
    )
  })

  test('has one default at most', async () => {
    await using server = await startTestServer()
    await server.request('POST', scheduling, { metadata: { name: 'one' }, value: 1, globalDefault: true })
    const second = await server.request('POST', scheduling, {
      metadata: { name: 'two' },
      value: 2,
      globalDefault: true,
    })
    expect(second).toMatchObject({
      status: 403,
      body: {
        message:
          'priorityclasses.scheduling.k8s.io "two" is forbidden: PriorityClass one is already marked as default. Only one default can exist',
      },
    })
  })
})

test('a RuntimeClass must exist; it says where its pods can run and what they cost', async () => {
  await using server = await startTestServer()
  expect((await createPod(server, { runtimeClassName: 'vm' })).body.message).toBe(
    'pods "web-" is forbidden: pod rejected: RuntimeClass "vm" not found',
  )
  await server.request('POST', '/apis/node.k8s.io/v1/runtimeclasses', {
    metadata: { name: 'vm' },
    handler: 'vm',
    overhead: { podFixed: { memory: '64Mi' } },
    scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
  })
  const { body } = await createPod(server, { runtimeClassName: 'vm', nodeSelector: { zone: 'a' } })
  expect(body['spec']).toMatchObject({
    overhead: { memory: '64Mi' },
    nodeSelector: { zone: 'a', vm: 'yes' },
    tolerations: expect.arrayContaining([{ key: 'vm', operator: 'Exists' }]),
  })
  expect((await createPod(server, { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } })).body.message).toBe(
    'pods "web-" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
  )
})

test('claims and Ingresses get the youngest default class, unless they name one', async () => {
  const clock = new FakeClock()
  await using server = await startTestServer({ clock })
  const storageClass = (name: string) =>
    server.request('POST', '/apis/storage.k8s.io/v1/storageclasses', {
      metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'kubernetes.io/no-provisioner',
    })
  await storageClass('old')
  clock.advance(1000)
  await storageClass('young')
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  const claim = (name: string, more: object) =>
    server.request('POST', claims, { metadata: { name }, spec: { ...spec, ...more } })
  const { body } = await claim('a', {})
  expect(body['spec']).toMatchObject({ storageClassName: 'young' })
  expect(body.metadata?.['finalizers']).toEqual(['kubernetes.io/pvc-protection'])
  expect((await claim('b', { storageClassName: '' })).body['spec']).toMatchObject({ storageClassName: '' })

  await server.request('POST', '/apis/networking.k8s.io/v1/ingressclasses', {
    metadata: { name: 'nginx', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'k8s.io/ingress-nginx' },
  })
  const defaultBackend = { service: { name: 'web', port: { number: 80 } } }
  const ingress = { metadata: { name: 'web' }, spec: { defaultBackend } }
  const created = await server.request('POST', '/apis/networking.k8s.io/v1/namespaces/default/ingresses', ingress)
  expect(created.body['spec']).toMatchObject({ ingressClassName: 'nginx' })
})

test('a node begins with a taint, until its controller sees that it is ready', async () => {
  await using server = await startTestServer()
  const mine = { key: 'mine', effect: 'NoExecute' }
  const { body } = await server.request('POST', '/api/v1/nodes', { metadata: { name: 'n' }, spec: { taints: [mine] } })
  expect(body['spec']).toMatchObject({ taints: [mine, { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] })
})

test('a claim grows if it is bound, and its class says that it can', async () => {
  await using server = await startTestServer()
  for (const [name, allowVolumeExpansion] of [
    ['fixed', false],
    ['elastic', true],
  ] as const) {
    const storageClass = { metadata: { name }, provisioner: 'a/b', allowVolumeExpansion }
    await server.request('POST', '/apis/storage.k8s.io/v1/storageclasses', storageClass)
    const resources = { requests: { storage: '1Gi' } }
    const spec = { accessModes: ['ReadWriteOnce'], resources, storageClassName: name, volumeName: 'v' }
    const { body } = await server.request('POST', claims, { metadata: { name }, spec })
    await server.request('PUT', `${claims}/${name}/status`, { ...body, status: { phase: 'Bound' } })
  }
  const grow = (name: string) =>
    server.request(
      'PATCH',
      `${claims}/${name}`,
      { spec: { resources: { requests: { storage: '2Gi' } } } },
      { 'content-type': 'application/merge-patch+json' },
    )
  expect(await grow('elastic')).toMatchObject({
    status: 200,
    body: { spec: { resources: { requests: { storage: '2Gi' } } } },
  })
  expect(await grow('fixed')).toMatchObject({
    status: 403,
    body: {
      message:
        'persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    },
  })
})
