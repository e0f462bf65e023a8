import { describe, expect, test } from 'vitest'
import { loadConfig } from './config.ts'

const header = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n'

describe('KubeProxyConfiguration', () => {
  test('an empty one gets the defaults', async () => {
    expect(await loadConfig(`${header}mode: ""\niptables:\n  masqueradeBit: null\n  syncPeriod: 0s\n`)).toMatchObject({
      mode: 'iptables',
      healthzBindAddress: '0.0.0.0:10256',
      metricsBindAddress: '127.0.0.1:10249',
      masqueradeBit: 14,
      localhostNodePorts: true,
      detectLocalMode: 'ClusterCIDR',
      syncPeriodMs: 30_000,
    })
  })
  test('fields are read', async () => {
    const text = `${header}clusterCIDR: 10.244.0.0/16,fd00:1::/56\nhealthzBindAddress: 127.0.0.1\nmetricsBindAddress: "::"\niptables:\n  minSyncPeriod: 1m30s\n`
    expect(await loadConfig(text)).toMatchObject({
      clusterCidrs: ['10.244.0.0/16', 'fd00:1::/56'],
      healthzBindAddress: '127.0.0.1:10256',
      metricsBindAddress: '[::]:10249',
      minSyncPeriodMs: 90_000,
    })
  })
  const refused: [string, string][] = [
    ['iptables:\n  foo: 1\n', 'strict decoding error: unknown field "iptables.foo"'],
    ['a: 1\nb: 2\n', 'strict decoding error: unknown field "a", unknown field "b"'],
    ['mode: fast\n', 'KubeProxyConfiguration.Mode: Invalid value: "fast"'],
    ['clusterCIDR: 10.0.0.0\n', 'ClusterCIDR: Invalid value: "10.0.0.0": must be a valid CIDR block'],
    ['iptables:\n  masqueradeBit: 32\n', 'must be within the range [0, 31]'],
    ['iptables:\n  syncPeriod: soon\n', 'field "iptables.syncPeriod" must be a duration'],
    ['nodePortAddresses: [nowhere]\n', 'NodePortAddresses[0]: Invalid value: "nowhere"'],
  ]
  test.each(refused)('%j is refused', async (text, message) => {
    await expect(loadConfig(header + text)).rejects.toThrow(message)
  })
  test.each(['- a\n', '{', 'kind: Pod\napiVersion: v1\n'])('%j is no configuration', async (text) => {
    await expect(loadConfig(text)).rejects.toThrow(/failed to decode|no kind "Pod" is registered for version "v1"/)
  })
})
