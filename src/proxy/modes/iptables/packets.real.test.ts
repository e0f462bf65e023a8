import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { silentLogger } from '../../../lib/log.ts'
import { addresses } from '../../testing/network.ts'
import { describePackets } from '../../testing/packets.ts'
import { monitorCommand } from './audit.ts'
import { IptablesKernel } from './kernel.ts'
import { IptablesMode } from './mode.ts'

describePackets(
  'iptables',
  ({ exec, nodePrefix }) =>
    new IptablesMode({
      kernel: new IptablesKernel({ family: 4, exec }),
      settings: {
        family: 4,
        localDetector: { local: '-s 10.244.0.0/16', notLocal: '! -s 10.244.0.0/16' },
        masqueradeAll: false,
        masqueradeBit: 14,
        randomFully: true,
        localhostNodePorts: true,
        nodePortAddresses: 'all',
        nodeIp: addresses.node,
        counters: new Set(),
        tcpLiberal: false,
      },
      monitor: [...nodePrefix, ...monitorCommand],
      canaryPeriodMs: 1000,
      log: silentLogger,
    }),
)

test('iptables-restore accepts the golden script', async () => {
  const input = readFileSync(join(import.meta.dirname, 'full-script.golden'), 'utf8')
  expect(await run('iptables-restore', ['--noflush', '--test'], { input })).toMatchObject({ code: 0, stderr: '' })
})
