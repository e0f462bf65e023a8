import { describe, expect, test } from 'vitest'
import { service, slice } from '../testing/objects.ts'
import { Tracker } from './tracker.ts'

const ips = (tracker: Tracker) => [...tracker.plans()].flatMap((plan) => plan.cluster.map((b) => b.ip))

describe('tracker', () => {
  test('joins slices of one Service, whichever comes first', () => {
    const tracker = new Tracker({ node: 'node-1' })
    tracker.setSlice(slice('demo/web', ['10.0.0.2'], undefined, 'b'))
    tracker.setSlice(slice('demo/web', ['10.0.0.1'], undefined, 'a'))
    tracker.setSlice(slice('other/web', ['10.0.0.9']))
    expect(tracker.flush().changes).toEqual([])
    tracker.setService(service('demo/web', '10.96.0.1'))
    tracker.flush()
    expect(ips(tracker)).toEqual(['10.0.0.1', '10.0.0.2'])
    tracker.deleteSlice(slice('demo/web', [], undefined, 'a'))
    expect(tracker.flush().changes).toMatchObject([{ id: 'demo/web:http', before: {}, after: {} }])
    expect(ips(tracker)).toEqual(['10.0.0.2'])
  })
  test('says nothing when nothing that matters changed', () => {
    const tracker = new Tracker({ node: 'node-1' })
    tracker.setService(service('demo/web', '10.96.0.1'))
    tracker.flush()
    const relabelled = service('demo/web', '10.96.0.1')
    relabelled.metadata.labels = { a: 'b' }
    tracker.setService(relabelled)
    expect(tracker.dirty).toBe(true)
    expect(tracker.flush()).toEqual({ changes: [], triggerTimes: [] })
  })
  test('a deleted Service takes its plans along', () => {
    const tracker = new Tracker({ node: 'node-1' })
    const web = service('demo/web', '10.96.0.1')
    tracker.setService(web)
    tracker.flush()
    tracker.deleteService(web)
    expect(tracker.flush().changes).toMatchObject([{ before: { id: 'demo/web:http' } }])
    expect([...tracker.plans()]).toEqual([])
  })
  test('a pod leaves its Services one by one, as the slices that follow pods say', () => {
    const tracker = new Tracker({ node: 'node-1' })
    const followed = (name: string, terminating: boolean) => {
      const one = slice(name, [{ addresses: ['10.0.0.1'], conditions: { ready: !terminating, terminating } }])
      one.metadata.labels = {
        ...one.metadata.labels,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      }
      return one
    }
    tracker.setSlice(followed('demo/web', true))
    tracker.setSlice(followed('demo/api', false))
    tracker.setSlice(slice('demo/by-hand', ['10.0.0.1']))
    expect([...tracker.servicesAt('10.0.0.1')]).toEqual([
      { service: 'demo/web', ending: true },
      { service: 'demo/api', ending: false },
    ])
    expect([...tracker.servicesAt('10.0.0.2')]).toEqual([])
  })
  test('one port number for TCP and UDP keeps its own targets', () => {
    const tracker = new Tracker({ node: 'node-1' })
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ]
    tracker.setService(service('kube-system/kube-dns', '10.96.0.10', { ports }))
    tracker.setSlice(
      slice(
        'kube-system/kube-dns',
        ['10.0.0.1'],
        [
          { ...ports[0], port: 5353 },
          { ...ports[1], port: 8053 },
        ],
      ),
    )
    tracker.flush()
    expect([...tracker.plans()].map((p) => [p.protocol, p.cluster[0]?.port])).toEqual([
      ['udp', 5353],
      ['tcp', 8053],
    ])
  })
  test('a change of zone plans everything anew', () => {
    const tracker = new Tracker({ node: 'node-1' })
    tracker.setService(service('demo/web', '10.96.0.1'))
    const hinted = (ip: string, zone: string) => ({ addresses: [ip], hints: { forZones: [{ name: zone }] } })
    tracker.setSlice(slice('demo/web', [hinted('10.0.0.1', 'a'), hinted('10.0.0.2', 'b')]))
    tracker.flush()
    tracker.setNode({ metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'b' } } })
    tracker.flush()
    expect(ips(tracker)).toEqual(['10.0.0.2'])
  })
  test('hands over when the changed slices were triggered', () => {
    const tracker = new Tracker({ node: 'node-1' })
    const web = slice('demo/web', ['10.0.0.1'])
    web.metadata.annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' }
    tracker.setSlice(web)
    expect(tracker.flush().triggerTimes).toEqual([{ family: 4, time: '2026-01-01T00:00:00Z' }])
    expect(tracker.flush().triggerTimes).toEqual([])
  })
  test('what happened before it began is not timed', () => {
    const tracker = new Tracker({ node: 'node-1', since: Date.parse('2026-01-01T00:00:00Z') })
    for (const [i, at] of ['2025-12-31T23:59:59Z', '2026-01-01T00:00:01Z'].entries()) {
      const web = slice('demo/web', ['10.0.0.1'], undefined, String(i))
      web.metadata.annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': at }
      tracker.setSlice(web)
    }
    expect(tracker.flush().triggerTimes).toEqual([{ family: 4, time: '2026-01-01T00:00:01Z' }])
  })
  test('families that the machine has not are left out', () => {
    const tracker = new Tracker({ node: 'node-1', families: [4] })
    tracker.setService(service('demo/web', '10.96.0.1', { clusterIPs: ['10.96.0.1', 'fd00::1'] }))
    expect(tracker.flush().changes.map((c) => c.after?.clusterIp)).toEqual(['10.96.0.1'])
  })
  test('a slice that is given to another Service leaves the first', () => {
    const tracker = new Tracker({ node: 'node-1' })
    tracker.setService(service('demo/web', '10.96.0.1'))
    tracker.setService(service('demo/api', '10.96.0.2'))
    tracker.setSlice(slice('demo/web', ['10.0.0.1']))
    tracker.flush()
    const moved = slice('demo/web', ['10.0.0.1'])
    moved.metadata.labels = { 'kubernetes.io/service-name': 'api' }
    tracker.setSlice(moved)
    tracker.flush()
    expect([...tracker.plans()].map((p) => [p.id, p.cluster.length])).toEqual([
      ['demo/web:http', 0],
      ['demo/api:http', 1],
    ])
  })
})
