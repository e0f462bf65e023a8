import { describe, expect, test } from 'vitest'
import type { Endpoints } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { type Clock, FakeClock } from '../../lib/clock.ts'
import { makePod, makeService } from './fixtures.ts'
import { podChanged, podsByLabel, podsOf, servicesBySelectorTerm, servicesOf } from './matching.ts'
import { Pacer } from './pacer.ts'
import { findPort } from './pods.ts'
import { reconcileEndpoints } from './reconcile.ts'
import { subsetsOf, truncate } from './subsets.ts'
import { TriggerTimes } from './trigger-time.ts'
import { Written } from './written.ts'

const at = '2026-11-21T02:41:59Z'

describe('the Endpoints object', () => {
  const pods = [
    makePod('web-2', { ip: '10.244.0.55', hostname: 'web-2', subdomain: 'web-hl' }),
    makePod('web-1', { ip: '10.244.0.54' }),
  ]

  test('is the recorded one', () => {
    const plan = reconcileEndpoints({
      service: makeService('web', {}, { app: 'web' }),
      pods,
      current: undefined,
      triggerTime: at,
    })
    const address = (name: string, ip: string) => ({
      ip,
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', name, namespace: 'demo', uid: `uid-${name}` },
    })
    expect(plan).toEqual({
      type: 'create',
      object: {
        metadata: {
          name: 'web',
          namespace: 'demo',
          labels: { app: 'web', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': at },
        },
        subsets: [
          {
            addresses: [address('web-1', '10.244.0.54'), address('web-2', '10.244.0.55')],
            ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
          },
        ],
      },
    })
  })

  test('without pods has no subsets', () => {
    const plan = reconcileEndpoints({ service: makeService('web'), pods: [], current: undefined, triggerTime: at })
    expect(plan).toMatchObject({ type: 'create' })
    expect(plan.type !== 'keep' && 'subsets' in plan.object).toBe(false)
  })

  test('is kept when nothing differs, whatever the order of keys and the pods versions', () => {
    const service = makeService('web', {}, { app: 'web' })
    const created = reconcileEndpoints({ service, pods, current: undefined, triggerTime: at })
    const current = JSON.parse(JSON.stringify(created.type !== 'keep' && created.object)) as Endpoints
    for (const address of current.subsets?.[0]?.addresses ?? [])
      Object.assign(address.targetRef ?? {}, { resourceVersion: '7' })
    expect(reconcileEndpoints({ service, pods, current, triggerTime: undefined })).toEqual({ type: 'keep' })
  })

  test('a headless one is labelled, and hostnames are shown under their subdomain only', () => {
    const plan = reconcileEndpoints({
      service: makeService('web-hl', { clusterIP: 'None' }),
      pods,
      current: undefined,
      triggerTime: at,
    })
    expect(plan).toMatchObject({ object: { metadata: { labels: { 'service.kubernetes.io/headless': '' } } } })
    const hostnames = plan.type !== 'keep' && plan.object.subsets?.[0]?.addresses?.map((a) => a.hostname)
    expect(hostnames).toEqual([undefined, 'web-2'])
  })
})

describe('subsets', () => {
  test('ready and not ready, terminal and terminating pods', () => {
    const subsets = subsetsOf(makeService('web'), [
      makePod('ready', { ip: '10.244.0.1' }),
      makePod('unready', { ip: '10.244.0.2', ready: false }),
      makePod('going', { ip: '10.244.0.3', terminating: true }),
      makePod('done', { ip: '10.244.0.4', phase: 'Succeeded' }),
      makePod('pending', { ip: '' }),
    ])
    expect(subsets.map((s) => [s.addresses?.map((a) => a.ip), s.notReadyAddresses?.map((a) => a.ip)])).toEqual([
      [['10.244.0.1'], ['10.244.0.2']],
    ])
  })

  test('publishNotReadyAddresses makes all of them ready, terminating ones too', () => {
    const subsets = subsetsOf(makeService('web', { publishNotReadyAddresses: true }), [
      makePod('unready', { ip: '10.244.0.2', ready: false }),
      makePod('going', { ip: '10.244.0.3', terminating: true }),
    ])
    expect(subsets[0]?.addresses?.map((a) => a.ip)).toEqual(['10.244.0.2', '10.244.0.3'])
  })

  test('a named port that differs by pod makes two subsets', () => {
    const subsets = subsetsOf(makeService('web'), [
      makePod('old', { ip: '10.244.0.1', ports: { http: 8080 } }),
      makePod('new', { ip: '10.244.0.2', ports: { http: 9090 } }),
      makePod('neither', { ip: '10.244.0.3', ports: {} }),
    ])
    expect(subsets.map((s) => [s.ports?.[0]?.port, s.addresses?.[0]?.ip])).toEqual([
      [8080, '10.244.0.1'],
      [9090, '10.244.0.2'],
    ])
  })

  test('a port that all pods have is one subset, beside one that only some have', () => {
    const ports = [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'metrics', port: 90, targetPort: 'metrics' },
    ]
    const subsets = subsetsOf(makeService('web', { ports }), [
      makePod('a', { ip: '10.244.0.1' }),
      makePod('b', { ip: '10.244.0.2', ports: { metrics: 9100 } }),
    ])
    expect(subsets.map(({ addresses, ports }) => [addresses?.map(({ ip }) => ip), ports])).toEqual([
      [['10.244.0.1', '10.244.0.2'], [{ name: 'http', port: 8080, protocol: 'TCP' }]],
      [['10.244.0.2'], [{ name: 'metrics', port: 9100, protocol: 'TCP' }]],
    ])
  })

  test('a headless Service may have no ports', () => {
    const pods = [makePod('web-1')]
    expect(subsetsOf(makeService('web', { clusterIP: 'None', ports: [] }), pods)[0]).not.toHaveProperty('ports')
    expect(subsetsOf(makeService('web', { ports: [] }), pods)).toEqual([])
  })

  test('the primary family decides', () => {
    const pods = [makePod('dual', { ips: ['10.244.0.1', 'fd00::1'] })]
    const subsets = subsetsOf(makeService('web', { ipFamilies: ['IPv6', 'IPv4'] }), pods)
    expect(subsets[0]?.addresses?.map((a) => a.ip)).toEqual(['fd00::1'])
  })

  test('at most 1000 addresses: not-ready ones give way first', () => {
    const subset = (ready: number, notReady: number) => ({
      addresses: Array.from({ length: ready }, (_, i) => ({ ip: `10.0.0.${i}` })),
      notReadyAddresses: Array.from({ length: notReady }, (_, i) => ({ ip: `10.1.0.${i}` })),
    })
    const sizes = (...subsets: ReturnType<typeof subset>[]) => {
      const { subsets: cut, truncated } = truncate(subsets)
      return [truncated, ...cut.map((s) => [s.addresses?.length ?? 0, s.notReadyAddresses?.length ?? 0])]
    }
    expect(sizes(subset(600, 400))).toEqual([false, [600, 400]])
    expect(sizes(subset(500, 300), subset(400, 300))).toEqual([true, [500, 50], [400, 50]])
    expect(sizes(subset(1200, 10), subset(600, 10))).toEqual([true, [667, 0], [333, 0]])
  })
})

describe('target ports', () => {
  const pod = makePod('web-1', { ports: { http: 8080 } })
  test.each([
    [{ port: 80 }, 80],
    [{ port: 80, targetPort: 0 }, 80],
    [{ port: 80, targetPort: 8081 }, 8081],
    [{ port: 80, targetPort: 'http' }, 8080],
    [{ port: 80, targetPort: 'http', protocol: 'UDP' }, undefined],
    [{ port: 80, targetPort: 'other' }, undefined],
  ])('%j is %s', (port, expected) => expect(findPort(pod, port)).toBe(expected))

  test('sidecars count, other init containers do not', () => {
    const init = (restartPolicy?: string) => ({
      ...pod,
      spec: {
        containers: [],
        initContainers: [
          { name: 'i', ports: [{ name: 'x', containerPort: 1 }], ...(restartPolicy && { restartPolicy }) },
        ],
      },
    })
    expect(findPort(init('Always'), { port: 80, targetPort: 'x' })).toBe(1)
    expect(findPort(init(), { port: 80, targetPort: 'x' })).toBeUndefined()
  })
})

describe('matching', () => {
  function index<T>(objects: T[], keys: (object: T) => string[]) {
    return { byIndex: (_name: string, value: string) => objects.filter((object) => keys(object).includes(value)) }
  }
  const services = [
    makeService('web', { selector: { app: 'nginx', env: 'prod' } }),
    makeService('all', { selector: { env: 'prod' } }),
    makeService('none', { selector: {} }),
    makeService('ext', { type: 'ExternalName', selector: { env: 'prod' } }),
  ]
  const pods = [
    makePod('both', { labels: { app: 'nginx', env: 'prod' } }),
    makePod('one', { labels: { app: 'nginx' } }),
    { ...makePod('away'), metadata: { name: 'away', namespace: 'other', labels: { app: 'nginx', env: 'prod' } } },
  ]
  const serviceIndex = index(services, servicesBySelectorTerm.keys)

  test('services of a pod', () => {
    expect(pods.map((pod) => servicesOf(serviceIndex, pod).sort())).toEqual([['demo/all', 'demo/web'], [], []])
  })
  test('pods of a service', () => {
    const podIndex = index(pods, podsByLabel.keys)
    expect(services.map((s) => podsOf(podIndex, s).map((p) => p.metadata.name))).toEqual([['both'], ['both'], [], []])
  })
  test('changes that matter', () => {
    const pod = makePod('web-1')
    expect(podChanged(pod, makePod('web-1', { since: 'later' }))).toBe(false)
    expect(podChanged(pod, makePod('web-1', { ready: false }))).toBe(true)
    expect(podChanged(pod, makePod('web-1', { labels: {} }))).toBe(true)
    expect(podChanged(pod, makePod('web-1', { terminating: true }))).toBe(true)
  })
})

test('the trigger time is the earliest change not yet dealt with', () => {
  const times = new TriggerTimes()
  const service = makeService('web')
  const one = makePod('one', { since: '2026-11-21T02:42:10Z' })
  const older = makePod('older', { since: '2026-11-21T02:40:00Z' })
  const take = (...pods: (typeof one)[]) => {
    const trigger = times.of('demo/web', service, pods)
    trigger.commit()
    return trigger.time
  }
  // Its pods were there before the Service was: nothing could be done for them then.
  expect(take(one, older)).toBe('2026-11-21T02:41:57Z')
  expect(take(one, older)).toBeUndefined()
  expect(take(one, makePod('two', { since: '2026-11-21T02:42:20Z' }))).toBe('2026-11-21T02:42:20Z')
  expect(take(makePod('one', { since: '2026-11-21T02:42:30Z' }))).toBe('2026-11-21T02:42:30Z')
})

const objectView = (object: Endpoints) => [objectKey(object)]

test('a look at own writes of one Service costs nothing for those of others', () => {
  const clock = new FakeClock()
  let looks = 0
  const counting: Clock = {
    now: () => {
      looks += 1
      return clock.now()
    },
    setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
  }
  const written = new Written<Endpoints>({ clock: counting, views: objectView })
  for (let i = 0; i < 1000; i++) {
    written.put({ metadata: { name: `web-${i}`, namespace: 'demo', uid: `u${i}`, resourceVersion: '1' } })
  }
  looks = 0
  expect(written.view([], 'demo/web-500')).toHaveLength(1)
  expect(looks).toBeLessThan(5)
})

test('own writes are seen until the cache has them', () => {
  const clock = new FakeClock()
  const written = new Written<Endpoints>({ clock, views: objectView })
  const object = (resourceVersion: string, uid = 'u'): Endpoints => ({
    metadata: { name: 'web', namespace: 'demo', uid, resourceVersion },
  })
  const seen = (...cached: Endpoints[]) => written.view(cached, 'demo/web').map((o) => o.metadata.resourceVersion)
  written.put(object('10'))
  expect(seen(object('9'))).toEqual(['10'])
  expect(written.observe({ type: 'updated', old: object('8'), object: object('9') })).toBe(true)
  expect(seen()).toEqual(['10'])
  expect(written.observe({ type: 'updated', old: object('9'), object: object('10') })).toBe(true)
  expect(written.observe({ type: 'updated', old: object('10'), object: object('11') })).toBe(false)
  expect(seen()).toEqual([])
  written.delete(object('10'))
  expect(seen(object('10'))).toEqual([])
  expect(seen(object('12', 'another'))).toEqual(['12'])
  clock.advance(20_000)
  expect(seen(object('10'))).toEqual(['10'])
})

describe('a burst', () => {
  /** How long each of these changes waits, every one written as soon as it may be. */
  const waitsOf = (endpoints: number, changes: number) => {
    const clock = new FakeClock()
    const waits: number[] = []
    const wait = (_key: string, ms = 0) => waits.push(ms)
    const pacer = new Pacer({ add: wait, addAfter: wait }, clock)
    for (let i = 0; i < changes; i++) {
      pacer.add('web')
      clock.advance(waits.at(-1) ?? 0)
      pacer.wrote('web', endpoints)
    }
    clock.advance(1000)
    pacer.add('web')
    return waits
  }

  test('of a small Service waits so little that nobody sees it', () => {
    expect(waitsOf(3, 6).map(Math.floor)).toEqual([0, 5, 10, 20, 20, 20, 0])
  })

  test('of a big one is spread, and its first change is worked on at once', () => {
    expect(waitsOf(5000, 8)).toEqual([0, 5, 10, 20, 40, 80, 160, 200, 0])
  })
})
