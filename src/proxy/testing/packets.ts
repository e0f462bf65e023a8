/**
 * Runs the packet cases against a mode, on two nodes at once, and then what only shows over time: endpoints that come
 * and go, flows that must end, damage that must be repaired. A mode brings a way to make itself on a node of a
 * TestNetwork; everything else is said here and in cases.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/log.ts'
import { FlowCleaner } from '../conntrack.ts'
import type { Mode } from '../modes/mode.ts'
import type { Family } from '../plan/types.ts'
import { Syncer, type SyncPass } from '../syncer.ts'
import { Tracker } from '../track/tracker.ts'
import { type PacketCase, packetCases, tcp, udp } from './cases.ts'
import { type Answer, addresses, nodes, TestNetwork, type TestNode } from './network.ts'
import { service, slice } from './objects.ts'
import { dns, dnsTargets, endpoints, everyPod, fillWorld } from './world.ts'

/** Makes the mode under test for one node and family. */
export type ModeFactory = (node: TestNode, family: Family) => Mode | Promise<Mode>

const deadlineMs = 3000

interface Proxy {
  readonly tracker: Tracker
  readonly syncer: Syncer
  readonly passes: Passes
}

function makeProxy(node: TestNode, makeMode: ModeFactory): Proxy {
  const tracker = new Tracker({ node: node.name })
  const passes = new Passes()
  fillWorld(tracker, node.name)
  const syncer = new Syncer({
    tracker,
    makeMode: async (family) => makeMode(node, family),
    flows: new FlowCleaner({ exec: node.exec, log: silentLogger }),
    clock: systemClock,
    observer: passes,
    follower: { taken: () => {}, committed: () => {} },
    minIntervalMs: 0,
    log: silentLogger,
  })
  return { tracker, syncer, passes }
}

export function describePackets(name: string, makeMode: ModeFactory): void {
  describe(`packets through ${name}`, () => {
    const stop = new AbortController()
    let network: TestNetwork
    let proxies: readonly Proxy[] = []

    beforeAll(async () => {
      network = await TestNetwork.make()
      proxies = nodes.map((node) => makeProxy(network.node(node), makeMode))
      await Promise.all(proxies.map(({ syncer }) => syncer.start(stop.signal)))
    })
    afterAll(async () => {
      stop.abort()
      await network.close()
    })

    test.each(packetCases)('$name', async (c) => {
      judge(c, await network.send(c.from, c.to, { count: c.count ?? 1 }))
    })

    /** Changes objects everywhere and waits until every kernel knows. */
    async function change(how: (tracker: Tracker) => void): Promise<void> {
      await Promise.all(
        proxies.map(({ tracker, syncer, passes }) => {
          const done = passes.next()
          how(tracker)
          syncer.poke()
          return done
        }),
      )
    }

    test('endpoints that come and go are followed, connection by connection', async () => {
      await change((tracker) => tracker.setSlice(slice('demo/web', endpoints(['pod-3']))))
      judge({ pods: ['pod-3'] }, await network.send('pod-1', tcp('10.96.0.10'), { count: 10 }))
      await change((tracker) => tracker.setSlice(slice('demo/web', [])))
      judge({ error: 'refused' }, await network.send('pod-1', tcp('10.96.0.10')))
      await change((tracker) => tracker.setSlice(slice('demo/web', endpoints(everyPod))))
      judge({ pods: everyPod }, await network.send('pod-1', tcp('10.96.0.10'), { count: 60 }))
    })

    test('a UDP client that keeps its socket moves to the new endpoint', async () => {
      const sourcePort = 40_000
      judge({ pods: ['pod-2'] }, await network.send('pod-1', udp('10.96.0.14'), { sourcePort }))
      await change((tracker) => tracker.setSlice(slice('demo/dns', endpoints(['pod-3']), dnsTargets)))
      judge({ pods: ['pod-3'] }, await network.send('pod-1', udp('10.96.0.14'), { sourcePort }))
    })

    test('so does one whose Service leads to another port of the same pod', async () => {
      const sourcePort = 40_004
      judge({ pods: ['pod-3'] }, await network.send('pod-1', udp('10.96.0.14'), { sourcePort }))
      const targets = [{ name: 'dns', port: 5354, protocol: 'UDP' }]
      await change((tracker) => tracker.setSlice(slice('demo/dns', endpoints(['pod-3']), targets)))
      judge({ pods: ['pod-3-again'] }, await network.send('pod-1', udp('10.96.0.14'), { sourcePort }))
    })

    test('so does one outside that uses a node port', async () => {
      const sourcePort = 40_001
      const to = udp(addresses['node-1'][4], 30053)
      judge({ pods: ['pod-2'] }, await network.send('outside', to, { sourcePort }))
      await change((tracker) => tracker.setSlice(slice('demo/np-dns', endpoints(['pod-3']), dnsTargets)))
      judge({ pods: ['pod-3'] }, await network.send('outside', to, { sourcePort }))
    })

    test('a UDP flow to a node port ends with the node port', async () => {
      const sourcePort = 40_002
      const to = udp(addresses['node-1'][4], 30053)
      judge({ pods: ['pod-3'] }, await network.send('outside', to, { sourcePort }))
      const ports = dns.filter(({ protocol }) => protocol === 'UDP')
      await change((tracker) => tracker.setService(service('demo/np-dns', '10.96.0.25', { ports })))
      judge({ error: 'refused' }, await network.send('outside', to, { sourcePort }))
    })

    test('a UDP client that sent too early is answered once there is a node port', async () => {
      const sourcePort = 40_003
      const to = udp(addresses['node-1'][4], 30054)
      judge({ error: 'refused' }, await network.send('outside', to, { sourcePort }))
      const ports = [{ name: 'dns', port: 53, protocol: 'UDP', nodePort: 30054 }]
      await change((tracker) => {
        tracker.setService(service('demo/early', '10.96.0.98', { type: 'NodePort', ports }))
        tracker.setSlice(slice('demo/early', endpoints(['pod-2']), dnsTargets))
      })
      judge({ pods: ['pod-2'] }, await network.send('outside', to, { sourcePort }))
    })

    test('a changed policy is followed', async () => {
      const to = tcp(addresses['node-2'][4], 30081)
      const spec = { type: 'NodePort', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30081 }] }
      await change((tracker) => tracker.setService(service('demo/np-local', '10.96.0.21', spec)))
      judge({ pods: ['pod-2'], client: addresses['node-2'][4] }, await network.send('outside', to))
      const local = { ...spec, externalTrafficPolicy: 'Local' }
      await change((tracker) => tracker.setService(service('demo/np-local', '10.96.0.21', local)))
      judge({ error: 'TIMEOUT' }, await network.send('outside', to))
    })

    test('a new Service answers, a deleted one does not', async () => {
      const late = service('demo/late', '10.96.0.99')
      await change((tracker) => {
        tracker.setService(late)
        tracker.setSlice(slice('demo/late', endpoints(['pod-2'])))
      })
      judge({ pods: ['pod-2'] }, await network.send('pod-1', tcp('10.96.0.99')))
      await change((tracker) => tracker.deleteService(late))
      const [answer] = await network.send('pod-1', tcp('10.96.0.99'))
      expect(answer?.pod).toBeUndefined()
    })

    test.each(damages)('$name: rules come back', async ({ command }) => {
      const [first] = proxies
      if (!first) throw new Error('there is no proxy')
      const repaired = first.passes.next()
      const result = await network.node('node-1').exec('sh', ['-c', command])
      expect(result).toMatchObject({ code: 0 })
      await withDeadline(repaired, deadlineMs, `rules to be written again after: ${command}`)
      judge({ pods: ['pod-1'] }, await network.send('pod-1', tcp('10.96.0.11')))
      judge({ error: 'refused' }, await network.send('pod-1', tcp('10.96.0.12')))
    })

    test('damage in the shadow of a full write of our own is found', async () => {
      const [first] = proxies
      if (!first) throw new Error('there is no proxy')
      const { exec } = network.node('node-1')
      for (const command of ['iptables -t nat -F KUBE-SERVICES', 'iptables -t nat -D KUBE-SERVICES 1']) {
        const repaired = first.passes.next()
        expect(await exec('sh', ['-c', command])).toMatchObject({ code: 0 })
        await withDeadline(repaired, deadlineMs, `rules to be written again after: ${command}`)
      }
      judge({ pods: ['pod-1'] }, await network.send('pod-1', tcp('10.96.0.11')))
    })

    test('its own changes are not mistaken for damage', async () => {
      // What the repair of the last damage goes on to report is not of this test.
      await new Promise((resolve) => setTimeout(resolve, 300))
      const fulls = () => proxies.map(({ passes }) => passes.full)
      const before = fulls()
      for (let i = 0; i < 5; i++) {
        await change((tracker) => tracker.setSlice(slice('demo/web', i % 2 ? endpoints(everyPod) : [])))
      }
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(fulls()).toEqual(before)
    })
  })
}

/** What an administrator's slip, or another program, does to rules. */
const damages = [
  { name: 'the nat table flushed', command: 'iptables -t nat -F' },
  { name: 'one rule deleted', command: 'iptables -t nat -D KUBE-SERVICES 1' },
  { name: 'a jump deleted', command: 'iptables -t nat -D PREROUTING 1' },
  { name: 'one chain flushed', command: 'iptables -t filter -F KUBE-SERVICES' },
  { name: 'everything of nftables flushed', command: 'nft flush ruleset' },
]

const refusals = new Set(['ECONNREFUSED', 'EPERM'])

function judge(expected: Pick<PacketCase, 'pods' | 'onePod' | 'client' | 'error'>, answers: readonly Answer[]): void {
  const seen = new Set(answers.map((a) => a.pod ?? `error ${refusals.has(a.error ?? '') ? 'refused' : a.error}`))
  if (expected.error) expect([...seen]).toEqual([`error ${expected.error}`])
  if (expected.pods) expect([...seen].sort()).toEqual([...expected.pods])
  if (expected.onePod) expect([...seen]).toEqual([expect.stringMatching(/^pod-/)])
  if (expected.client) expect(new Set(answers.map((a) => a.client))).toEqual(new Set([expected.client]))
}

/** Lets a test wait for the next successful pass. */
class Passes {
  full = 0
  #waiting: (() => void)[] = []

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  queued(): void {}

  synced(_now: number, pass: SyncPass): void {
    if (pass.written.some(({ full }) => full)) this.full += 1
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  failed(): void {}
}

async function withDeadline(promise: Promise<void>, ms: number, awaited: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${awaited}`)), ms)
  })
  await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
