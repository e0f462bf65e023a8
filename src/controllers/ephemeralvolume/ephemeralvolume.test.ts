import { afterEach, expect, test } from 'vitest'
import type { PersistentVolumeClaim, Pod } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { startScheduler } from '../scheduler/index.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, node, startHarness } from '../testing/harness.ts'
import { startEphemeralVolumeController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

const at = { name: 'web-scratch', namespace: 'demo' }
const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }

async function begin() {
  const api = new FakeApi()
  harness = startHarness(
    (ctx) => {
      startEphemeralVolumeController(ctx)
      startScheduler(ctx)
    },
    { api },
  )
  await api.create(resources.nodes, node('n1'))
  await harness.quiet()
  return {
    api,
    quiet: harness.quiet,
    pod: async () => {
      const volumeClaimTemplate = { metadata: { name: '', labels: { of: 'web' } }, spec }
      const made = await api.create<Pod>(resources.pods, {
        metadata: { name: 'web', namespace: 'demo' },
        spec: {
          containers: [{ name: 'c', image: 'i' }],
          volumes: [
            { name: 'scratch', ephemeral: { volumeClaimTemplate } },
            { name: 'empty', emptyDir: {} },
          ],
        },
      })
      await harness.quiet()
      return made
    },
    claims: () => api.all(resources.persistentVolumeClaims),
    messages: () => api.all(resources.events).map(({ reason, message }) => `${reason}: ${message}`),
  }
}

test('a pod gets a claim for its ephemeral volume, and owns it', async () => {
  const { pod, claims } = await begin()
  const { metadata } = await pod()
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: metadata.uid, controller: true }
  expect(claims()).toEqual([
    expect.objectContaining({
      metadata: expect.objectContaining({
        ...at,
        labels: { of: 'web' },
        ownerReferences: [{ ...owner, blockOwnerDeletion: true }],
      }),
      spec,
    }),
  ])
})

test('a claim that somebody deletes is made again', async () => {
  const { api, pod, claims, quiet } = await begin()
  await pod()
  const [before] = claims()
  await api.delete(resources.persistentVolumeClaims, at)
  await quiet()
  expect(claims()).toHaveLength(1)
  expect(claims()[0]?.metadata.uid).not.toBe(before?.metadata.uid)
})

test("another's claim of the same name is not taken", async () => {
  const { api, pod, claims, messages } = await begin()
  await api.create<PersistentVolumeClaim>(resources.persistentVolumeClaims, { metadata: { ...at }, spec })
  await pod()
  expect(claims()).toHaveLength(1)
  const why = 'PVC demo/web-scratch was not created for pod demo/web (pod is not owner)'
  expect(messages()).toContain(`FailedBinding: ephemeral volume scratch: ${why}`)
  expect(messages()).toContainEqual(expect.stringMatching(/^FailedScheduling: .*\(pod is not owner\)/))
})
