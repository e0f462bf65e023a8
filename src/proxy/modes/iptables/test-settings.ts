/** Settings of a node as the tests of this mode take it, IPv4 and nothing special. */
import { addresses } from '../../testing/network.ts'
import type { IptablesSettings } from './settings.ts'

export const testSettings: IptablesSettings = {
  family: 4,
  localDetector: { local: '-s 10.244.0.0/16', notLocal: '! -s 10.244.0.0/16' },
  masqueradeAll: false,
  masqueradeBit: 14,
  randomFully: true,
  localhostNodePorts: true,
  nodePortAddresses: 'all',
  nodeIp: addresses['node-1'][4],
  counters: new Set(),
  tcpLiberal: false,
  largeCluster: false,
}
