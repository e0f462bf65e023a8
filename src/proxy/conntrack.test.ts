import { expect, test } from 'vitest'
import { parseFlows, staleFlows } from './conntrack.ts'
import { backendAddress } from './plan/types.ts'
import { service, slice } from './testing/objects.ts'
import { Tracker } from './track/tracker.ts'

const listing = `udp      17 29 src=10.244.0.11 dst=10.96.0.14 sport=40000 dport=53 src=10.244.0.12 dst=10.244.0.11 sport=5353 dport=40000 mark=0 use=1
udp      17 29 src=10.244.0.11 dst=10.96.0.14 sport=40001 dport=53 src=10.244.0.13 dst=10.244.0.11 sport=5353 dport=40001 mark=0 use=1
udp      17 29 src=10.244.0.11 dst=10.96.0.14 sport=40002 dport=53 [UNREPLIED] src=10.96.0.14 dst=10.244.0.11 sport=53 dport=40002 mark=0 use=1
udp      17 29 src=172.30.9.9 dst=172.30.9.2 sport=5 dport=30053 src=10.244.0.12 dst=172.30.9.2 sport=5353 dport=5 mark=0 use=1
udp      17 29 src=172.30.9.9 dst=172.30.9.2 sport=6 dport=30053 src=172.30.9.2 dst=172.30.9.9 sport=30053 dport=6 mark=0 use=1
udp      17 29 src=172.30.9.9 dst=172.30.9.2 sport=8 dport=30053 [UNREPLIED] src=172.30.9.2 dst=172.30.9.9 sport=30053 dport=8 mark=0 use=1
udp      17 29 src=10.244.0.11 dst=8.8.8.8 sport=7 dport=53 src=8.8.8.8 dst=10.244.0.11 sport=53 dport=7 mark=0 use=1
`

const ports = [{ name: 'dns', port: 53, protocol: 'UDP', nodePort: 30053 }]
const targets = [{ name: 'dns', port: 5353, protocol: 'UDP' }]
const texts = (flows: ReturnType<typeof staleFlows>) =>
  flows.map((f) => `${f.destination}:${f.port} ${backendAddress(f.backend)}`)

test('only flows of a Service to backends it no longer has are stale', () => {
  const tracker = new Tracker({ node: 'node-1' })
  tracker.setService(service('demo/dns', '10.96.0.14', { type: 'NodePort', ports }))
  tracker.setSlice(slice('demo/dns', ['10.244.0.13'], targets))
  tracker.flush()
  expect(texts(staleFlows(parseFlows(listing), tracker.plans()))).toEqual([
    '10.96.0.14:53 10.244.0.12:5353',
    '10.96.0.14:53 10.96.0.14:53',
    '172.30.9.2:30053 10.244.0.12:5353',
    '172.30.9.2:30053 172.30.9.2:30053',
  ])
})

test('endpoints that policies rule out, or that are ending but serve, keep their flows', () => {
  const tracker = new Tracker({ node: 'node-1' })
  tracker.setService(service('demo/dns', '10.96.0.14', { internalTrafficPolicy: 'Local', ports }))
  const conditions = { ready: false, serving: true, terminating: true }
  const endpoints = [
    { addresses: ['10.244.0.12'], nodeName: 'node-2', conditions: { ready: true } },
    { addresses: ['10.244.0.13'], nodeName: 'node-1', conditions },
  ]
  tracker.setSlice(slice('demo/dns', endpoints, targets))
  tracker.flush()
  expect(texts(staleFlows(parseFlows(listing), tracker.plans()))).toEqual([
    '10.96.0.14:53 10.96.0.14:53',
    '172.30.9.2:30053 172.30.9.2:30053',
  ])
})

test('flows to the former target port of a pod that still serves are stale', () => {
  const tracker = new Tracker({ node: 'node-1' })
  tracker.setService(service('demo/dns', '10.96.0.14', { ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] }))
  tracker.setSlice(slice('demo/dns', ['10.244.0.12', '10.244.0.13'], [{ name: 'dns', port: 5354, protocol: 'UDP' }]))
  tracker.flush()
  expect(texts(staleFlows(parseFlows(listing), tracker.plans()))).toEqual([
    '10.96.0.14:53 10.244.0.12:5353',
    '10.96.0.14:53 10.244.0.13:5353',
    '10.96.0.14:53 10.96.0.14:53',
  ])
})

test('flows to a node port that was taken away are stale', () => {
  const tracker = new Tracker({ node: 'node-1' })
  tracker.setService(service('demo/dns', '10.96.0.14', { type: 'NodePort', ports }))
  tracker.setSlice(slice('demo/dns', ['10.244.0.12', '10.244.0.13'], targets))
  tracker.flush()
  const [former] = tracker.plans()
  tracker.setService(service('demo/dns', '10.96.0.14', { ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] }))
  tracker.flush()
  const stale = staleFlows(parseFlows(listing), tracker.plans(), former ? [former] : [])
  expect(texts(stale)).toEqual([
    '10.96.0.14:53 10.96.0.14:53',
    '172.30.9.2:30053 10.244.0.12:5353',
    '172.30.9.2:30053 172.30.9.2:30053',
  ])
})
