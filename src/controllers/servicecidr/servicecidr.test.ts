import { afterEach, describe, expect, test } from 'vitest'
import type { ServiceCIDR } from '../../api/generated/networking.k8s.io.v1.ts'
import { serviceIPAddress } from '../../api/networking/ipaddress.ts'
import { serviceCidrFinalizer } from '../../api/networking/servicecidr.ts'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { startServiceCidrController } from './index.ts'
import { canDelete, containing, overlapping, withCondition } from './plan.ts'

const cidr = (name: string, ...cidrs: string[]): ServiceCIDR => ({ metadata: { name }, spec: { cidrs } })
const address = (ip: string) => serviceIPAddress(ip, { metadata: { namespace: 'demo', name: 'web' } })

describe('plan', () => {
  const all = [cidr('a', '10.0.0.0/16'), cidr('b', '10.0.1.0/24', 'fd00::/64'), cidr('c', '192.168.0.0/24')]

  test('contains its addresses, but for the network’s and the broadcast one', () => {
    expect(containing('10.0.1.7', all)).toEqual(['a', 'b'])
    expect(containing('10.0.1.0', all)).toEqual(['a'])
    expect(containing('10.0.1.255', all)).toEqual(['a'])
    expect(containing('fd00::ffff', all)).toEqual(['b'])
    expect(containing('fd00::', all)).toEqual([])
    expect(containing('x', all)).toEqual([])
    expect(overlapping(all[0]!, all)).toEqual(['a', 'b'])
  })

  test.each<[string, number, string[], boolean]>([
    ['nobody uses it', 0, ['192.168.0.3'], true],
    ['an address of its own', 0, ['10.0.2.1'], false],
    ['an address another one has, too', 0, ['10.0.1.1'], true],
    ['part of it is not in another one', 1, ['fd00::1'], false],
    ['part of it is not in another one, unused', 1, ['10.0.1.1'], true],
  ])('may go: %s', (_name, index, used, expected) => {
    expect(canDelete(all[index]!, all, used.map(address))).toBe(expected)
  })

  test('an address of something else does not hold it', () => {
    const foreign = { ...address('10.0.2.1'), metadata: { name: '10.0.2.1' } }
    expect(canDelete(all[0]!, all, [foreign])).toBe(true)
  })

  test('one inside another may go though it is in use', () => {
    const inner = cidr('d', '10.0.9.0/24')
    expect(canDelete(inner, [...all, inner], [address('10.0.9.9')])).toBe(true)
  })

  test('a condition keeps its time while its status stays', () => {
    const first = withCondition([], { type: 'Ready', status: 'True', reason: '', message: 'a' }, 't1')
    const same = withCondition(first, { type: 'Ready', status: 'True', reason: '', message: 'b' }, 't2')
    expect(same).toEqual([{ type: 'Ready', status: 'True', reason: '', message: 'b', lastTransitionTime: 't1' }])
    const next = withCondition(same, { type: 'Ready', status: 'False', reason: '', message: 'c' }, 't3')
    expect(next[0]?.lastTransitionTime).toBe('t3')
  })
})

describe('controller', () => {
  let harness: Harness
  afterEach(() => harness.stop())
  const all = () => harness.api.all(resources.serviceCidrs)
  const named = (name: string) => all().find(({ metadata }) => metadata.name === name)
  const ready = (name: string) => named(name)?.status?.conditions?.[0]?.status

  test('the cluster’s own one is made, protected and ready, and comes back', async () => {
    harness = startHarness(startServiceCidrController)
    await harness.until('ready', () => ready('kubernetes') === 'True')
    expect(named('kubernetes')).toMatchObject({
      metadata: { finalizers: [serviceCidrFinalizer] },
      spec: { cidrs: ['10.96.0.0/12'] },
      status: { conditions: [{ type: 'Ready', message: 'Kubernetes Service CIDR is ready' }] },
    })
    await harness.quiet()
    expect(harness.api.writes).toEqual(['create servicecidrs', 'update servicecidrs/status'])
  })

  test('one in use stays until its last address is gone', async () => {
    const clock = new FakeClock(0)
    harness = startHarness(startServiceCidrController, { clock })
    const { api, until, quiet } = harness
    await api.create(resources.serviceCidrs, cidr('more', '10.200.0.0/24'))
    await until('protected', () => ready('more') === 'True')
    await api.create(resources.ipAddresses, address('10.200.0.7'))
    await api.delete(resources.serviceCidrs, { name: 'more' })
    await until('held', () => ready('more') === 'False')
    expect(named('more')?.status?.conditions?.[0]).toMatchObject({ reason: 'Terminating' })
    await api.delete(resources.ipAddresses, { name: '10.200.0.7' })
    await quiet()
    expect(named('more')).toBeDefined()
    clock.advance(10_000)
    await until('gone', () => named('more') === undefined)
  })
})
