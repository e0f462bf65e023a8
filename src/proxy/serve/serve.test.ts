import { expect, test } from 'vitest'
import { LazyMetrics } from './observer.ts'
import { isHealthy, splitAddress } from './serve.ts'

test('a proxy is ill when what is queued waits for more than a minute', () => {
  expect(isHealthy({ lastQueued: 0, lastSynced: 0 }, 1)).toBe(false)
  expect(isHealthy({ lastQueued: 5, lastSynced: 10 }, 1_000_000)).toBe(true)
  expect(isHealthy({ lastQueued: 20, lastSynced: 10 }, 60_000)).toBe(true)
  expect(isHealthy({ lastQueued: 20, lastSynced: 10 }, 60_020)).toBe(false)
})

test('addresses of both families', () => {
  expect(splitAddress('[::]:10256')).toEqual({ host: '::', port: 10256 })
  expect(splitAddress('127.0.0.1:10249')).toEqual({ host: '127.0.0.1', port: 10249 })
})

test('metrics count what happened before anybody asked', async () => {
  const metrics = new LazyMetrics()
  const pass = { seconds: 0.02, triggerTimes: ['1970-01-01T00:00:01Z'], rules: { nat: 7 } }
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
