import { afterEach, expect, test } from 'vitest'
import { resources } from '../../client/resources.ts'
import { startSystemNamespaces } from '../namespace/index.ts'
import { type Harness, settings, startHarness } from '../testing/harness.ts'
import { startKubernetesServiceController } from './index.ts'
import { kubernetesEndpoints, kubernetesService, kubernetesSlice } from './plan.ts'

let harness: Harness | undefined
afterEach(() => harness?.stop())

test('the objects are those of a recorded cluster', () => {
  expect(kubernetesService(settings)).toMatchObject({
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }] },
  })
  expect(kubernetesEndpoints(settings).subsets).toEqual([
    { addresses: [{ ip: '172.30.0.1' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] },
  ])
  expect(kubernetesSlice(settings)).toEqual({
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['172.30.0.1'], conditions: { ready: true } }],
    ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
  })
})

test('they are made with their namespace, once, and made again when somebody deletes or changes them', async () => {
  harness = startHarness((ctx) => {
    startKubernetesServiceController(ctx)
    startSystemNamespaces(ctx)
  })
  const { api, quiet } = harness
  await quiet()
  expect(api.writes.filter((write) => /endpoint|services/.test(write)).sort()).toEqual([
    'create endpoints',
    'create endpointslices',
    'create services',
  ])
  const at = { namespace: 'default', name: 'kubernetes' }
  await api.delete(resources.services, at)
  await api.patch(resources.endpointSlices, at, { endpoints: [] }, { type: 'application/merge-patch+json' })
  await quiet()
  expect((await api.get(resources.services, at)).spec?.clusterIP).toBe('10.96.0.1')
  expect((await api.get(resources.endpointSlices, at)).endpoints).toEqual(kubernetesSlice(settings).endpoints)
})
