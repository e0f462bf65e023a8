import { afterEach, describe, expect, test } from 'vitest'
import type { Deployment } from '../../api/generated/apps.v1.ts'
import { resources } from '../../client/resources.ts'
import { startGarbageCollector } from '../garbage/index.ts'
import { startReplicaSetController } from '../replicaset/index.ts'
import { deployment, type Harness, playAgents, startHarness, template } from '../testing/harness.ts'
import { startDeploymentController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

function begin(): Harness {
  harness = startHarness((ctx) => {
    startDeploymentController(ctx)
    startReplicaSetController(ctx)
    startGarbageCollector(ctx, Object.values(resources))
  })
  playAgents(harness)
  return harness
}

const web = () => harness.api.all(resources.deployments)[0] as Deployment
const sizes = () =>
  Object.fromEntries(
    harness.api
      .all(resources.replicaSets)
      .map((rs) => [rs.spec?.template?.spec?.containers[0]?.image ?? '', rs.spec?.replicas]),
  )
const complete = () => {
  const { status, spec, metadata } = web()
  return status?.availableReplicas === spec?.replicas && status?.observedGeneration === metadata.generation
}

async function setImage(image: string): Promise<void> {
  const current = web()
  const labels = { app: 'web' }
  await harness.api.update(resources.deployments, {
    ...current,
    spec: { selector: {}, ...current.spec, template: template(labels, image) },
  })
}

async function patchSpec(spec: object): Promise<void> {
  await harness.api.patch(resources.deployments, web().metadata, { spec })
}

describe('a new Deployment', () => {
  test('gets a ReplicaSet named and labelled by the template hash, and reports success', async () => {
    const { api, quiet } = begin()
    await api.create(resources.deployments, deployment('web', 3))
    await quiet()
    const [replicaSet] = api.all(resources.replicaSets)
    const hash = replicaSet?.metadata.labels?.['pod-template-hash'] ?? ''
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5,10}$/)
    expect(replicaSet?.metadata.name).toBe(`web-${hash}`)
    expect(replicaSet?.spec?.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash })
    expect(replicaSet?.metadata.annotations).toEqual({
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    })
    const pods = api.all(resources.pods)
    expect(pods.map((pod) => pod.metadata.labels)).toEqual(
      Array.from({ length: 3 }, () => ({ app: 'web', 'pod-template-hash': hash })),
    )
    expect(web().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1')
    expect(web().status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      conditions: [
        { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
        {
          type: 'Progressing',
          status: 'True',
          reason: 'NewReplicaSetAvailable',
          message: `ReplicaSet "web-${hash}" has successfully progressed.`,
        },
      ].map((c) => expect.objectContaining(c)),
    })
    expect(api.all(resources.events).map((event) => event.message)).toContain(
      `Scaled up replica set web-${hash} from 0 to 3`,
    )
  })

  test('scaling 0 → 3 costs a known number of writes', async () => {
    const { api, quiet } = begin()
    await api.create(resources.deployments, deployment('web', 0))
    await quiet()
    api.writes.length = 0
    await patchSpec({ replicas: 3 })
    await quiet()
    expect(complete()).toBe(true)
    expect(api.count(/^update replicasets$/)).toBe(1)
    expect(api.count(/^create pods$/)).toBe(3)
    // Three pods become ready one by one: each may be one status of the ReplicaSet and one of the Deployment.
    expect(api.count(/^update replicasets\/status$/)).toBeLessThanOrEqual(4)
    expect(api.count(/^update deployments\/status$/)).toBeLessThanOrEqual(5)
    expect(api.count(/^create events$/)).toBe(4)
    api.writes.length = 0
    await quiet()
    expect(api.writes).toEqual([])
  })
})

describe('a rollout', () => {
  test('never has fewer than the minimum available, nor more than the surge allows', async () => {
    const { api, quiet, ctx } = begin()
    await api.create(resources.deployments, deployment('web', 4))
    await quiet()
    const seen: number[] = []
    ctx.informers.of(resources.pods).onChange(() => {
      const pods = api.all(resources.pods).filter((pod) => !pod.metadata.deletionTimestamp)
      seen.push(pods.length)
      expect(pods.filter((pod) => pod.status?.phase === 'Running').length).toBeGreaterThanOrEqual(3)
    })
    await setImage('web:2')
    await quiet()
    expect(Math.max(...seen)).toBe(5)
    expect(sizes()).toEqual({ 'web:1': 0, 'web:2': 4 })
    expect(complete()).toBe(true)
    expect(web().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2')
  })

  test('revisions are 64-bit numbers, counted on from whatever a ReplicaSet says', async () => {
    const { api, quiet } = begin()
    await api.create(resources.deployments, deployment('web', 1))
    await quiet()
    const [first] = api.all(resources.replicaSets)
    const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' }
    await api.patch(resources.replicaSets, first?.metadata ?? { name: '' }, { metadata: { annotations } })
    await setImage('busybox:2')
    await quiet()
    expect(web().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3546343826724305833')
  })

  test('undone, it takes the former ReplicaSet up again under a new revision', async () => {
    const { api, quiet } = begin()
    await api.create(resources.deployments, deployment('web', 2))
    await quiet()
    await setImage('web:2')
    await quiet()
    await setImage('web:1')
    await quiet()
    expect(sizes()).toEqual({ 'web:1': 2, 'web:2': 0 })
    const former = api.all(resources.replicaSets).find((rs) => rs.spec?.replicas === 2)
    expect(former?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    })
    expect(web().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3')
  })

  test('keeps as many old ReplicaSets as the history limit says', async () => {
    const { api, quiet } = begin()
    await api.create(resources.deployments, deployment('web', 1, { revisionHistoryLimit: 1 }))
    for (const image of ['web:2', 'web:3', 'web:4']) {
      await quiet()
      await setImage(image)
    }
    await quiet()
    expect(sizes()).toEqual({ 'web:3': 0, 'web:4': 1 })
  })

  test('with Recreate, ends every old pod before it makes a new one', async () => {
    const { api, quiet, ctx } = begin()
    await api.create(resources.deployments, deployment('web', 2, { strategy: { type: 'Recreate' } }))
    await quiet()
    ctx.informers.of(resources.pods).onChange(() => {
      const images = new Set(api.all(resources.pods).map((pod) => pod.spec?.containers[0]?.image))
      expect(images.size).toBeLessThanOrEqual(1)
    })
    await setImage('web:2')
    await quiet()
    expect(sizes()).toEqual({ 'web:1': 0, 'web:2': 2 })
    expect(complete()).toBe(true)
  })

  test('paused, it scales and does not roll; resumed, it rolls', async () => {
    const { api, quiet } = begin()
    await api.create(resources.deployments, deployment('web', 2))
    await quiet()
    await patchSpec({ paused: true })
    await quiet()
    await setImage('web:2')
    await patchSpec({ replicas: 3 })
    await quiet()
    expect(sizes()).toEqual({ 'web:1': 3 })
    const reason = () => web().status?.conditions?.find((c) => c.type === 'Progressing')?.reason
    expect(reason()).toBe('DeploymentPaused')
    await patchSpec({ paused: false })
    await quiet()
    expect(sizes()).toEqual({ 'web:1': 0, 'web:2': 3 })
    expect(reason()).toBe('NewReplicaSetAvailable')
  })
})

test('a deleted Deployment takes its ReplicaSets and pods along', async () => {
  const { api, quiet } = begin()
  await api.create(resources.deployments, deployment('web', 2))
  await quiet()
  await api.delete(resources.deployments, web().metadata)
  await quiet()
  expect([...api.all(resources.replicaSets), ...api.all(resources.pods)]).toEqual([])
})
