import { afterEach, describe, expect, test } from 'vitest'
import type { Pod, Taint, Toleration } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { type Harness, node, startHarness } from '../testing/harness.ts'
import { evictionInMs, startTaintEvictionController } from './eviction.ts'

const now = new Date('2026-01-01T00:01:40Z')
const lost = {
  key: 'node.kubernetes.io/unreachable',
  effect: 'NoExecute',
  timeAdded: '2026-01-01T00:00:00Z',
}
const tolerating = (tolerationSeconds?: number): Toleration => ({
  key: lost.key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds !== undefined && { tolerationSeconds }),
})

function pod(tolerations: Toleration[]): Pod {
  return {
    metadata: { name: 'p', namespace: 'demo' },
    spec: { containers: [], nodeName: 'n1', tolerations },
  }
}

describe('how long a pod may stay', () => {
  const cases: [string, Toleration[], (typeof lost)[], number | undefined][] = [
    ['for ever without a NoExecute taint', [], [{ ...lost, effect: 'NoSchedule' }], undefined],
    ['not at all without a toleration', [], [lost], 0],
    ['for ever with one that has no end', [tolerating()], [lost], undefined],
    ['what is left of its tolerance', [tolerating(300)], [lost], 200_000],
    ['the shortest of several', [tolerating(300), tolerating(110), tolerating()], [lost], 10_000],
    ['not longer than it tolerated', [tolerating(30)], [lost], 0],
    ['not at all when one of two is not tolerated', [tolerating(300)], [lost, { ...lost, key: 'gpu' }], 0],
  ]
  test.each(cases)('%s', (_, tolerations, taints, ms) =>
    expect(evictionInMs(pod(tolerations), taints, { now, seen: now })).toBe(ms),
  )

  test('a taint that does not say since when is as old as it is known', () => {
    const seen = new Date(now.getTime() - 20_000)
    const { timeAdded: _, ...taint } = lost
    expect(evictionInMs(pod([tolerating(30)]), [taint], { now, seen })).toBe(10_000)
  })
})

describe('the controller', () => {
  let harness: Harness
  afterEach(() => harness.stop())

  async function begin(taint: Taint = lost) {
    const clock = new FakeClock()
    harness = startHarness(startTaintEvictionController, { clock })
    const { api, quiet } = harness
    await api.create(resources.nodes, node('n1'))
    await api.create(resources.pods, pod([tolerating(300)]))
    await quiet()
    await api.patch(resources.nodes, { name: 'n1' }, { spec: { taints: [taint] } })
    await quiet()
    const evicted = () => api.all(resources.pods)[0]?.metadata.deletionTimestamp !== undefined
    return { api, clock, quiet, evicted }
  }

  test('deletes the pod when its tolerance has run out', async () => {
    const { clock, quiet, evicted, api } = await begin()
    clock.advance(299_000)
    await quiet()
    expect(evicted()).toBe(false)
    clock.advance(1000)
    await quiet()
    expect(evicted()).toBe(true)
    expect(api.all(resources.events)[0]?.message).toBe('Marking for deletion Pod demo/p')
    expect(api.all(resources.pods)[0]?.status?.conditions).toMatchObject([
      { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', observedGeneration: 1 },
    ])
  })

  test('also under a taint that does not say since when it is there, as kubectl sets it', async () => {
    const { clock, quiet, evicted } = await begin({ key: lost.key, effect: 'NoExecute' })
    clock.advance(300_000)
    await quiet()
    expect(evicted()).toBe(true)
  })

  test('leaves it alone when the taint goes in time', async () => {
    const { api, clock, quiet, evicted } = await begin()
    await api.patch(resources.nodes, { name: 'n1' }, { spec: { taints: null } })
    await quiet()
    clock.advance(600_000)
    await quiet()
    expect(evicted()).toBe(false)
    expect(api.all(resources.events)[0]?.message).toBe('Cancelling deletion of Pod demo/p')
  })
})
