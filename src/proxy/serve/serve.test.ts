import { expect, test } from 'vitest'
import { Health } from './health.ts'
import { LazyMetrics } from './observer.ts'
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

test('metrics count what happened before anybody asked', async () => {
  const metrics = new LazyMetrics()
  const pass = { seconds: 0.02, triggerTimes: ['1970-01-01T00:00:01Z'], rules: { nat: 7 }, families: [4] as const }
  metrics.synced(2000, { ...pass, full: true })
  metrics.failed()
  const first = await metrics.text()
  metrics.synced(3000, { ...pass, full: false })
  const { body } = await metrics.text()
  expect(first.body).toMatch(/^kubeproxy_sync_proxy_rules_duration_seconds_count 1$/m)
  for (const line of [
    'kubeproxy_sync_proxy_rules_duration_seconds_count 2',
    'kubeproxy_sync_full_proxy_rules_duration_seconds_count 1',
    'kubeproxy_sync_partial_proxy_rules_duration_seconds_count 1',
    'kubeproxy_network_programming_duration_seconds_bucket{le="1"} 1',
    'kubeproxy_sync_proxy_rules_last_timestamp_seconds 3',
    'kubeproxy_sync_proxy_rules_iptables_total{table="nat"} 7',
    'kubeproxy_sync_proxy_rules_iptables_restore_failures_total 1',
  ])
    expect(body.split('\n')).toContain(line)
})
