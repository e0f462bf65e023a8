import { expect, test } from 'vitest'
import { parseFlows, staleFlows } from './conntrack.ts'
import { service, slice } from './testing/objects.ts'
import { Tracker } from './track/tracker.ts'

const listing = `udp      17 29 src=10.244.0.11 dst=10.96.0.14 sport=40000 dport=53 src=10.244.0.12 dst=10.244.0.11 sport=5353 dport=40000 mark=0 use=1
udp      17 29 src=10.244.0.11 dst=10.96.0.14 sport=40001 dport=53 src=10.244.0.13 dst=10.244.0.11 sport=5353 dport=40001 mark=0 use=1
udp      17 29 src=10.244.0.11 dst=10.96.0.14 sport=40002 dport=53 [UNREPLIED] src=10.96.0.14 dst=10.244.0.11 sport=53 dport=40002 mark=0 use=1
udp      17 29 src=172.30.9.9 dst=172.30.9.2 sport=5 dport=30053 src=10.244.0.12 dst=172.30.9.2 sport=5353 dport=5 mark=0 use=1
udp      17 29 src=172.30.9.9 dst=172.30.9.2 sport=6 dport=30053 src=172.30.9.2 dst=172.30.9.9 sport=30053 dport=6 mark=0 use=1
udp      17 29 src=10.244.0.11 dst=8.8.8.8 sport=7 dport=53 src=8.8.8.8 dst=10.244.0.11 sport=53 dport=7 mark=0 use=1
`

test('only flows of a Service to backends it no longer has are stale', () => {
  const tracker = new Tracker({ node: 'node-1' })
  const ports = [{ name: 'dns', port: 53, protocol: 'UDP', nodePort: 30053 }]
  tracker.setService(service('demo/dns', '10.96.0.14', { type: 'NodePort', ports }))
  tracker.setSlice(slice('demo/dns', ['10.244.0.13'], [{ name: 'dns', port: 5353, protocol: 'UDP' }]))
  tracker.flush()
  const stale = staleFlows(parseFlows(listing), tracker.plans())
  expect(stale.map((f) => `${f.destination}:${f.port} ${f.backend}`)).toEqual([
    '10.96.0.14:53 10.244.0.12',
    '10.96.0.14:53 10.96.0.14',
    '172.30.9.2:30053 10.244.0.12',
  ])
})
