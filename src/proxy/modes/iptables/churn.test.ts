import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../lib/log.ts'
import { Churn } from '../../testing/churn.ts'
import { FakeIptables } from '../../testing/fake-iptables.ts'
import { service, slice } from '../../testing/objects.ts'
import { chainsOf } from '../../testing/save-format.ts'
import { Tracker } from '../../track/tracker.ts'
import { IptablesKernel } from './kernel.ts'
import { IptablesMode } from './mode.ts'
import { largeClusterEndpoints } from './settings.ts'
import { testSettings } from './test-settings.ts'

function setUp() {
  const fake = new FakeIptables()
  const kernel = new IptablesKernel({ family: 4, exec: fake.exec })
  const mode = new IptablesMode({ kernel, settings: testSettings, canaryPeriodMs: 1000, log: silentLogger })
  return { fake, mode }
}

const totals = (mode: IptablesMode) => mode.counts().map(({ total }) => total)

/** What the kernel holds when everything is written at once. */
async function inFull(tracker: Tracker) {
  const { fake, mode } = setUp()
  await mode.replace(tracker.plans())
  return { chains: chainsOf(fake.save()), totals: totals(mode) }
}

describe('differences add up to what a full write leaves', () => {
  test.each([1, 2, 3, 4])('seed %i', async (seed) => {
    const { fake, mode } = setUp()
    const tracker = new Tracker({ node: 'node-1' })
    const churn = new Churn(seed, [tracker])
    await mode.replace([])
    for (let pass = 0; pass < 50; pass++) {
      for (let i = 0; i <= pass % 5; i++) churn.step()
      await mode.update(tracker.flush().changes)
      const expected = await inFull(tracker)
      expect(chainsOf(fake.save()), `seed ${seed}, pass ${pass}`).toEqual(expected.chains)
      expect(totals(mode), `seed ${seed}, pass ${pass}`).toEqual(expected.totals)
    }
  })

  test('and a full write over whatever was left does, too', async () => {
    const { fake, mode } = setUp()
    for (const seed of [7, 8]) {
      const tracker = new Tracker({ node: 'node-1' })
      const churn = new Churn(seed, [tracker])
      for (let i = 0; i < 100; i++) churn.step()
      tracker.flush()
      await mode.replace(tracker.plans())
      expect(chainsOf(fake.save())).toEqual((await inFull(tracker)).chains)
    }
  })
})

test('in a large cluster, rules to and of endpoints have no comments', async () => {
  const { fake, mode } = setUp()
  const tracker = new Tracker({ node: 'node-1' })
  for (let i = 0; i * 100 <= largeClusterEndpoints; i++) {
    tracker.setService(service(`demo/s${i}`, `10.96.0.${i + 1}`, { sessionAffinity: 'ClientIP' }))
    const ips = Array.from({ length: 100 }, (_, n) => `10.244.${i}.${n + 1}`)
    tracker.setSlice(slice(`demo/s${i}`, ips))
  }
  tracker.flush()
  await mode.replace(tracker.plans())
  const rules = Object.entries(chainsOf(fake.save()))
  const ofEndpoints = rules.flatMap(([chain, list]) => (chain.includes('KUBE-SEP-') ? list : []))
  expect(ofEndpoints).toHaveLength(2 * 1100)
  expect(ofEndpoints.filter((rule) => rule.includes('comment'))).toEqual([])
  const services = rules.find(([chain]) => chain.includes('KUBE-SVC-'))?.[1] ?? []
  expect(services.filter((rule) => rule.includes('comment'))).toHaveLength(1)
  expect(services.at(-1)).toMatch(/^-j KUBE-SEP-\w{16}$/)
})
