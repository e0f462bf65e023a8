import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { silentLogger } from '../../../lib/log.ts'
import { addresses, podCidr } from '../../testing/network.ts'
import { service, slice } from '../../testing/objects.ts'
import { describePackets } from '../../testing/packets.ts'
import { Tracker } from '../../track/tracker.ts'
import { monitorCommand } from './audit.ts'
import { baseRules } from './base-rules.ts'
import { IptablesKernel } from './kernel.ts'
import { IptablesMode } from './mode.ts'
import { renderPort } from './port-rules.ts'
import { fullScript, parseExisting } from './script.ts'
import type { IptablesSettings } from './settings.ts'
import { testSettings } from './test-settings.ts'

describePackets('iptables', async ({ name, exec, prefix }, family) => {
  await exec('sysctl', ['-qw', 'net.ipv4.conf.all.route_localnet=1'])
  const cidr = podCidr[family]
  return new IptablesMode({
    kernel: new IptablesKernel({ family, exec }),
    settings: {
      ...testSettings,
      family,
      localDetector: { local: `-s ${cidr}`, notLocal: `! -s ${cidr}` },
      localhostNodePorts: family === 4,
      nodeIp: addresses[name][family],
    },
    monitor: [...prefix, ...monitorCommand],
    canaryPeriodMs: 1000,
    log: silentLogger,
  })
})

test('iptables-restore accepts the golden script', async () => {
  const input = readFileSync(join(import.meta.dirname, 'full-script.golden'), 'utf8')
  expect(await run('iptables-restore', ['--noflush', '--test'], { input })).toMatchObject({ code: 0, stderr: '' })
})

test('ip6tables-restore accepts the rules of an IPv6 Service', async () => {
  const tracker = new Tracker({ node: 'node-1' })
  const spec = { type: 'NodePort', sessionAffinity: 'ClientIP', ports: [{ name: 'http', port: 80, nodePort: 30001 }] }
  tracker.setService(service('demo/web', 'fd00::1', spec))
  tracker.setSlice(slice('demo/web', ['fd00:1::5', 'fd00:1::6']))
  tracker.setService(service('demo/none', 'fd00::2', spec))
  tracker.flush()
  const family6: IptablesSettings = {
    ...testSettings,
    family: 6,
    localDetector: { local: '-s fd00:1::/64', notLocal: '! -s fd00:1::/64' },
  }
  const ports = [...tracker.plans()].map((plan) => renderPort(plan, family6))
  const input = fullScript(baseRules(family6), ports, parseExisting(''))
  expect(await run('ip6tables-restore', ['--noflush', '--test'], { input })).toMatchObject({ code: 0, stderr: '' })
})
