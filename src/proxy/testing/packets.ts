/**
 * What every proxy mode promises, as packets: one table, run against each mode. A mode brings a way to make itself on
 * the node of a TestNetwork; everything else is said here.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Endpoint } from '../../api/generated/discovery.k8s.io.v1.ts'
import { systemClock } from '../../lib/clock.ts'
import type { Exec } from '../../lib/exec.ts'
import { silentLogger } from '../../lib/log.ts'
import { FlowCleaner } from '../conntrack.ts'
import type { Mode } from '../modes/mode.ts'
import { Syncer } from '../syncer.ts'
import { Tracker } from '../track/tracker.ts'
import { type Answer, addresses, type Place, type Target, TestNetwork } from './network.ts'
import { service, slice } from './objects.ts'

/** Makes the mode under test; `nodePrefix` before a command runs it on the node. */
export type ModeFactory = (node: { exec: Exec; nodePrefix: readonly string[] }) => Mode | Promise<Mode>

const [pod1, pod2, pod3] = [addresses['pod-1'], addresses['pod-2'], addresses['pod-3']]
const tcp80 = [{ name: 'http', port: 80, protocol: 'TCP' }]
const dns = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
]
const dnsTargets = [
  { name: 'dns', port: 5353, protocol: 'UDP' },
  { name: 'dns-tcp', port: 8080, protocol: 'TCP' },
]
const onNode = (ip: string, nodeName: string, conditions: Endpoint['conditions'] = { ready: true }): Endpoint => ({
  addresses: [ip],
  nodeName,
  conditions,
})

/** Service, its cluster IP, and what is behind it; proxied on node-1. */
function world(tracker: Tracker): void {
  tracker.setService(service('demo/web', '10.96.0.10'))
  tracker.setSlice(slice('demo/web', [pod1, pod2, pod3]))
  tracker.setService(service('demo/self', '10.96.0.11'))
  tracker.setSlice(slice('demo/self', [pod1]))
  tracker.setService(service('demo/none', '10.96.0.12', { ports: [...tcp80, ...dns] }))
  tracker.setService(service('demo/sticky', '10.96.0.13', { sessionAffinity: 'ClientIP' }))
  tracker.setSlice(slice('demo/sticky', [pod1, pod2, pod3]))
  tracker.setService(service('demo/dns', '10.96.0.14', { ports: dns }))
  tracker.setSlice(slice('demo/dns', [pod2], dnsTargets))
  tracker.setService(service('demo/here', '10.96.0.15', { internalTrafficPolicy: 'Local' }))
  tracker.setSlice(slice('demo/here', [onNode(pod2, 'node-1'), onNode(pod3, 'node-2')]))
  tracker.setService(service('demo/elsewhere', '10.96.0.16', { internalTrafficPolicy: 'Local' }))
  tracker.setSlice(slice('demo/elsewhere', [onNode(pod3, 'node-2')]))
  tracker.setService(service('demo/leaving', '10.96.0.17'))
  const leaving = { ready: false, serving: true, terminating: true }
  tracker.setSlice(slice('demo/leaving', [onNode(pod2, 'node-1', leaving), onNode(pod3, 'node-1', { ready: false })]))
}

interface PacketCase {
  readonly name: string
  readonly from: Place
  readonly to: Target
  readonly count?: number
  /** The pods that may answer; all of them must. */
  readonly pods?: readonly string[]
  /** Exactly one pod answers, whichever it is. */
  readonly onePod?: true
  readonly client?: string
  /** `refused` covers EPERM, which is how the kernel tells a local UDP sender of a reject. */
  readonly error?: 'refused' | 'TIMEOUT'
}

const tcp = (ip: string, port = 80): Target => ({ protocol: 'tcp', ip, port })
const udp = (ip: string, port = 53): Target => ({ protocol: 'udp', ip, port })
const all = ['pod-1', 'pod-2', 'pod-3']

const cases: PacketCase[] = [
  { name: 'a pod reaches every endpoint', from: 'pod-1', to: tcp('10.96.0.10'), count: 60, pods: all },
  { name: 'the node reaches every endpoint', from: 'node', to: tcp('10.96.0.10'), count: 60, pods: all },
  {
    name: 'a pod reaches itself, seen under another address',
    from: 'pod-1',
    to: tcp('10.96.0.11'),
    pods: ['pod-1'],
    client: addresses.node,
  },
  { name: 'another pod keeps its address', from: 'pod-2', to: tcp('10.96.0.11'), pods: ['pod-1'], client: pod2 },
  {
    name: 'a host outside is masqueraded',
    from: 'outside',
    to: tcp('10.96.0.11'),
    pods: ['pod-1'],
    client: addresses.node,
  },
  {
    name: 'no endpoints: TCP from a pod is refused at once',
    from: 'pod-1',
    to: tcp('10.96.0.12'),
    error: 'refused',
  },
  {
    name: 'no endpoints: UDP from a pod is refused at once',
    from: 'pod-1',
    to: udp('10.96.0.12'),
    error: 'refused',
  },
  {
    name: 'no endpoints: TCP from the node is refused at once',
    from: 'node',
    to: tcp('10.96.0.12'),
    error: 'refused',
  },
  {
    name: 'no endpoints: UDP from the node is refused at once',
    from: 'node',
    to: udp('10.96.0.12'),
    error: 'refused',
  },
  { name: 'affinity keeps a pod with one endpoint', from: 'pod-1', to: tcp('10.96.0.13'), count: 12, onePod: true },
  { name: 'affinity keeps the node with one endpoint', from: 'node', to: tcp('10.96.0.13'), count: 12, onePod: true },
  { name: 'UDP from a pod', from: 'pod-1', to: udp('10.96.0.14'), count: 3, pods: ['pod-2'], client: pod1 },
  { name: 'UDP from the node', from: 'node', to: udp('10.96.0.14'), count: 3, pods: ['pod-2'] },
  { name: 'TCP on the same port number', from: 'pod-1', to: tcp('10.96.0.14', 53), pods: ['pod-2'] },
  { name: 'policy Local uses this node only', from: 'pod-1', to: tcp('10.96.0.15'), count: 10, pods: ['pod-2'] },
  { name: 'policy Local without a pod here drops', from: 'pod-1', to: tcp('10.96.0.16'), error: 'TIMEOUT' },
  {
    name: 'a pod that is ending but serves is used when nothing is ready',
    from: 'pod-1',
    to: tcp('10.96.0.17'),
    count: 5,
    pods: ['pod-2'],
  },
]

const deadlineMs = 3000

export function describePackets(name: string, makeMode: ModeFactory): void {
  describe(`packets through ${name}`, () => {
    const tracker = new Tracker({ node: 'node-1' })
    const stop = new AbortController()
    let network: TestNetwork
    let syncer: Syncer
    const passes = new Passes()

    beforeAll(async () => {
      network = await TestNetwork.make()
      world(tracker)
      syncer = new Syncer({
        tracker,
        makeMode: async () => makeMode(network),
        flows: new FlowCleaner({ exec: network.exec, log: silentLogger }),
        clock: systemClock,
        observer: passes,
        follower: { taken: () => {}, committed: () => {} },
        minIntervalMs: 0,
        log: silentLogger,
      })
      await syncer.start(stop.signal)
    })
    afterAll(async () => {
      stop.abort()
      await network.close()
    })

    test.each(cases)('$name', async (c) => {
      const answers = await network.send(c.from, c.to, { count: c.count ?? 1 })
      judge(c, answers)
    })

    /** Changes objects and waits until the kernel knows. */
    async function change(how: () => void): Promise<void> {
      const done = passes.next()
      how()
      syncer.poke()
      await done
    }

    test('endpoints that come and go are followed, connection by connection', async () => {
      await change(() => tracker.setSlice(slice('demo/web', [pod3])))
      judge({ pods: ['pod-3'] }, await network.send('pod-1', tcp('10.96.0.10'), { count: 10 }))
      await change(() => tracker.setSlice(slice('demo/web', [])))
      judge({ error: 'refused' }, await network.send('pod-1', tcp('10.96.0.10')))
      await change(() => tracker.setSlice(slice('demo/web', [pod1, pod2, pod3])))
      judge({ pods: all }, await network.send('pod-1', tcp('10.96.0.10'), { count: 60 }))
    })

    test('a UDP client that keeps its socket moves to the new endpoint', async () => {
      const sourcePort = 40_000
      judge({ pods: ['pod-2'] }, await network.send('pod-1', udp('10.96.0.14'), { sourcePort }))
      await change(() => tracker.setSlice(slice('demo/dns', [pod3], dnsTargets)))
      judge({ pods: ['pod-3'] }, await network.send('pod-1', udp('10.96.0.14'), { sourcePort }))
    })

    test('a new Service answers, a deleted one does not', async () => {
      const late = service('demo/late', '10.96.0.99')
      await change(() => {
        tracker.setService(late)
        tracker.setSlice(slice('demo/late', [pod2]))
      })
      judge({ pods: ['pod-2'] }, await network.send('pod-1', tcp('10.96.0.99')))
      await change(() => tracker.deleteService(late))
      const [answer] = await network.send('pod-1', tcp('10.96.0.99'))
      expect(answer?.pod).toBeUndefined()
    })

    test.each(damages)('$name: rules come back', async ({ command }) => {
      const repaired = passes.next()
      const result = await network.exec('sh', ['-c', command])
      expect(result).toMatchObject({ code: 0 })
      await withDeadline(repaired, deadlineMs, `rules to be written again after: ${command}`)
      judge({ pods: ['pod-1'] }, await network.send('pod-1', tcp('10.96.0.11')))
      judge({ error: 'refused' }, await network.send('pod-1', tcp('10.96.0.12')))
    })

    test('its own changes are not mistaken for damage', async () => {
      const before = passes.full
      for (let i = 0; i < 5; i++) {
        await change(() => tracker.setSlice(slice('demo/web', i % 2 ? [pod1, pod2, pod3] : [])))
      }
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(passes.full).toBe(before)
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

  synced(_now: number, pass: { readonly full: boolean }): void {
    if (pass.full) this.full += 1
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
