import { expect, test } from 'vitest'
import type { SyncPass } from '../syncer.ts'
import { type SpecInput, service, slice } from '../testing/objects.ts'
import { Tracker } from '../track/tracker.ts'
import { Changes } from './changes.ts'
import { countNoLocalEndpoints, type ProxyGauges } from './gauges.ts'
import { Health } from './health.ts'
import { LazyMetrics } from './observer.ts'
import { countLeading } from './programmed.ts'
import { splitAddress } from './serve.ts'

test('a proxy is ill when what is queued waits for more than a minute', () => {
  const health = new Health()
  health.queued(0)
  health.synced(10, { families: [4] })
  expect(health.isHealthy(1_000_000)).toBe(true)
  health.queued(20)
  health.queued(50_000)
  expect(health.isHealthy(60_000)).toBe(true)
  expect(health.isHealthy(60_020)).toBe(false)
  health.synced(60_030, { families: [4, 6] })
  expect(health.isHealthy(60_040)).toBe(true)
})

test('health is reported as kube-proxy does, by family', () => {
  const health = new Health()
  health.synced(1000, { families: [4, 6] })
  const current = '1970-01-01T00:01:40.000Z'
  const updated = '1970-01-01T00:00:01.000Z'
  const status = { IPv4: { lastUpdated: updated, healthy: true }, IPv6: { lastUpdated: updated, healthy: true } }
  expect(health.report(100_000)).toEqual({ lastUpdated: current, currentTime: current, healthy: true, status })
  expect(health.report(100_000, { nodeEligible: false })).toEqual({
    lastUpdated: updated,
    currentTime: current,
    nodeEligible: false,
    healthy: true,
    status,
  })
})

test('addresses of both families', () => {
  expect(splitAddress('[::]:10256')).toEqual({ host: '::', port: 10256 })
  expect(splitAddress('127.0.0.1:10249')).toEqual({ host: '127.0.0.1', port: 10249 })
})

test('metrics count what happened before anybody asked, by family', async () => {
  const metrics = new LazyMetrics()
  const gauges = (total: number): ProxyGauges => ({
    rules: [{ family: 4, table: 'nat', total: 7, written: 2 }],
    noLocalEndpoints: [{ family: 6, trafficPolicy: 'external', ports: 1 }],
    packets: [{ what: 'invalid-dropped', packets: total }],
    changes: { service: { total, pending: 0 }, endpoint: { total: 9, pending: 1 } },
  })
  const pass = (full: boolean): SyncPass => ({
    written: [{ family: 4, seconds: 0.02, full }],
    triggerTimes: [{ family: 4, time: '1970-01-01T00:00:01Z' }],
    families: [4, 6],
  })
  metrics.queued(1500)
  metrics.synced(2000, pass(true))
  metrics.failed({ family: 4, full: true })
  metrics.failed({ family: 6, full: false })
  metrics.answered('healthz', 200)
  const first = await metrics.text(gauges(3))
  metrics.synced(3000, pass(false))
  metrics.cleaned({ family: 4, seconds: 0.01, deleted: 2 })
  metrics.answered('healthz', 503)
  const { body } = await metrics.text(gauges(4))
  const label = '{ip_family="IPv4"}'
  expect(first.body.split('\n')).toContain(`kubeproxy_sync_proxy_rules_duration_seconds_count${label} 1`)
  for (const line of [
    `sync_proxy_rules_duration_seconds_count${label} 2`,
    `sync_full_proxy_rules_duration_seconds_count${label} 1`,
    `sync_partial_proxy_rules_duration_seconds_count${label} 1`,
    'network_programming_duration_seconds_bucket{le="1",ip_family="IPv4"} 1',
    `sync_proxy_rules_last_timestamp_seconds${label} 3`,
    'sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"} 3',
    `sync_proxy_rules_last_queued_timestamp_seconds${label} 1.5`,
    'sync_proxy_rules_iptables_total{ip_family="IPv4",table="nat"} 7',
    'sync_proxy_rules_iptables_last{ip_family="IPv4",table="nat"} 2',
    `sync_proxy_rules_iptables_restore_failures_total${label} 1`,
    'sync_proxy_rules_iptables_partial_restore_failures_total{ip_family="IPv6"} 1',
    'sync_proxy_rules_no_local_endpoints_total{ip_family="IPv6",traffic_policy="external"} 1',
    'sync_proxy_rules_service_changes_total 4',
    'sync_proxy_rules_service_changes_pending 0',
    'sync_proxy_rules_endpoint_changes_total 9',
    'sync_proxy_rules_endpoint_changes_pending 1',
    `conntrack_reconciler_sync_duration_seconds_count${label} 1`,
    `conntrack_reconciler_deleted_entries_total${label} 2`,
    'iptables_ct_state_invalid_dropped_packets_total 4',
    'proxy_healthz_total{code="200"} 1',
    'proxy_healthz_total{code="503"} 1',
  ])
    expect(body.split('\n')).toContain(`kubeproxy_${line}`)
  expect(body).not.toContain('localhost_nodeports')
})

test('ports whose policy is Local and whose endpoints are elsewhere are counted by policy', () => {
  const tracker = new Tracker({ node: 'node-1' })
  const elsewhere = [{ addresses: ['10.0.0.1'], nodeName: 'node-2', conditions: { ready: true } }]
  const nodePort = { type: 'NodePort', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30001 }] }
  const services: [string, SpecInput][] = [
    ['demo/inside', { internalTrafficPolicy: 'Local' }],
    ['demo/outside', { ...nodePort, externalTrafficPolicy: 'Local' }],
    ['demo/both', { ...nodePort, externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }],
    ['demo/neither', nodePort],
  ]
  for (const [name, spec] of services) {
    tracker.setService(service(name, '10.96.0.1', spec))
    tracker.setSlice(slice(name, elsewhere))
  }
  tracker.setService(service('demo/empty', '10.96.0.2', { internalTrafficPolicy: 'Local' }))
  tracker.flush()
  expect(countNoLocalEndpoints(tracker.plans(), [4])).toEqual([
    { family: 4, trafficPolicy: 'internal', ports: 2 },
    { family: 4, trafficPolicy: 'external', ports: 2 },
  ])
})

test('what is heard is counted each time, and waits once for each Service until a pass takes it', () => {
  const changes = new Changes()
  for (const name of ['demo/a', 'demo/a', 'demo/b']) changes.heard('endpoint', name)
  expect(changes.counts('endpoint')).toEqual({ total: 3, pending: 2 })
  expect(changes.counts('service')).toEqual({ total: 0, pending: 0 })
  changes.taken()
  expect(changes.counts('endpoint')).toEqual({ total: 3, pending: 0 })
})

test('a Service leads to an address until rules without it are in the kernel', () => {
  const at = [
    { service: 'demo/web', ending: false },
    { service: 'demo/api', ending: true },
    { service: 'demo/new', ending: true },
  ]
  const pending = new Set(['demo/new'])
  expect(countLeading(at, { isPending: (service) => pending.has(service) })).toBe(2)
  pending.clear()
  expect(countLeading(at.slice(1), { isPending: (service) => pending.has(service) })).toBe(0)
})
