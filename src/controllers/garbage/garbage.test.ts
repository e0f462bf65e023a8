import { afterEach, describe, expect, test } from 'vitest'
import type { ConfigMap } from '../../api/generated/v1.ts'
import type { KubeObject, OwnerReference } from '../../api/machinery/object.ts'
import { resources } from '../../client/resources.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { Graph, judge, type OwnerState } from './graph.ts'
import { startGarbageCollector } from './index.ts'

describe('what becomes of an object', () => {
  const reference = (uid: string): OwnerReference => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid })
  const cases: [string, OwnerState[], string, string[], string][] = [
    ['an owner keeps it', ['solid'], 'keep', [], 'Background'],
    ['no owner is left', ['absent'], 'delete', [], 'Background'],
    ['one of two is left', ['solid', 'absent'], 'detach', ['o1'], 'Background'],
    ['its owner waits for it', ['waiting'], 'delete', [], 'Foreground'],
    ['one waits, one stays', ['waiting', 'solid'], 'detach', ['o0'], 'Background'],
    ['an owner that cannot be found out', ['unresolvable'], 'keep', [], 'Background'],
  ]
  test.each(cases)('%s', (_, states, action, uids, propagationPolicy) => {
    const owners = states.map((_, i) => reference(`o${i}`))
    const graph = new Graph()
    const put = (name: string, ownerReferences: OwnerReference[]) =>
      graph.put(resources.configMaps, { metadata: { name, namespace: 'demo', uid: name, ownerReferences } })
    const node = put('x', owners)
    const known = new Map(states.map((state, i) => [`o${i}`, state]))
    const dependents = [put('dependent', [reference('x')])]
    expect(judge(node, known, dependents)).toEqual({ action, uids, propagationPolicy, unblocks: false })
  })
})

describe('the collector', () => {
  let harness: Harness
  afterEach(() => harness.stop())
  const begin = () => (harness = startHarness((ctx) => startGarbageCollector(ctx, Object.values(resources))))
  const present = () => harness.api.all(resources.configMaps).map(({ metadata }) => metadata.name)

  async function create(name: string, owners: KubeObject[] = [], extra: Partial<OwnerReference> = {}) {
    const ownerReferences = owners.map(({ metadata }) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: metadata.name,
      uid: metadata.uid ?? '',
      ...extra,
    }))
    const map: ConfigMap = { metadata: { name, namespace: 'demo', ...(owners.length > 0 && { ownerReferences }) } }
    return harness.api.create(resources.configMaps, map)
  }

  test('deletes what a deleted owner leaves, to the last generation', async () => {
    const { api, quiet } = begin()
    const root = await create('root')
    const child = await create('child', [root])
    await create('grandchild', [child])
    await create('other')
    await quiet()
    await api.delete(resources.configMaps, root.metadata)
    await quiet()
    expect(present()).toEqual(['other'])
  })

  test('deletes an object that names an owner that never was, or another of that name', async () => {
    const { quiet } = begin()
    const real = await create('real')
    await create('stray', [{ metadata: { name: 'nobody', uid: 'never' } }])
    await create('mistaken', [{ metadata: { ...real.metadata, uid: 'former' } }])
    await quiet()
    expect(present()).toEqual(['real'])
  })

  test('an owner in another namespace is no owner', async () => {
    const { api, quiet } = begin()
    const foreign = await api.create(resources.configMaps, { metadata: { name: 'far', namespace: 'elsewhere' } })
    await quiet()
    await create('child', [foreign])
    await quiet()
    expect(present()).toEqual(['far'])
    const { uid } = foreign.metadata
    expect(api.all(resources.events)).toMatchObject([
      {
        type: 'Warning',
        reason: 'OwnerRefInvalidNamespace',
        message: `ownerRef [v1/ConfigMap, namespace: demo, name: far, uid: ${uid}] does not exist in namespace "demo"`,
        involvedObject: { kind: 'ConfigMap', namespace: 'demo', name: 'child' },
      },
    ])
  })

  test('a second owner keeps the object, without the reference to the first', async () => {
    const { api, quiet } = begin()
    const [a, b] = [await create('a'), await create('b')]
    await create('child', [a, b])
    await api.delete(resources.configMaps, a.metadata)
    await quiet()
    const child = await api.get(resources.configMaps, { namespace: 'demo', name: 'child' })
    expect(child.metadata.ownerReferences?.map((owner) => owner.name)).toEqual(['b'])
  })

  test('foreground: the owner goes last', async () => {
    const { api, quiet, ctx } = begin()
    const root = await create('root')
    const child = await create('child', [root], { blockOwnerDeletion: true })
    await create('grandchild', [child], { blockOwnerDeletion: true })
    await quiet()
    const gone: string[] = []
    ctx.informers.of(resources.configMaps).onChange(({ type, object }) => {
      if (type === 'deleted') gone.push(object.metadata.name)
    })
    await api.delete(resources.configMaps, root.metadata, { propagationPolicy: 'Foreground' })
    await quiet()
    expect(gone).toEqual(['grandchild', 'child', 'root'])
  })

  test('foreground: a circle of owners goes all the same', async () => {
    const { api, quiet } = begin()
    const [a, b, c] = [await create('a'), await create('b'), await create('c')]
    const own = (object: KubeObject, { metadata: { name, uid = '' } }: KubeObject) => {
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion: true }
      return api.patch(resources.configMaps, object.metadata, { metadata: { ownerReferences: [owner] } })
    }
    await Promise.all([own(a, c), own(b, a), own(c, b)])
    await quiet()
    await api.delete(resources.configMaps, a.metadata, { propagationPolicy: 'Foreground' })
    await quiet()
    expect(present()).toEqual([])
  })

  test('orphan: the dependents stay, on their own', async () => {
    const { api, quiet } = begin()
    const root = await create('root')
    await create('child', [root])
    await quiet()
    await api.delete(resources.configMaps, root.metadata, { propagationPolicy: 'Orphan' })
    await quiet()
    expect(present()).toEqual(['child'])
    expect(api.all(resources.configMaps)[0]?.metadata.ownerReferences ?? []).toEqual([])
  })
})
