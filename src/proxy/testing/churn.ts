/** Random changes to Services and their slices, the same ones for the same seed. */

import type { Tracker } from '../track/tracker.ts'
import { type SpecInput, service, slice } from './objects.ts'

/** mulberry32: small, and good enough to choose test cases. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const nodeNames = ['node-1', 'node-2', 'node-3']
const servicesMax = 12

export class Churn {
  readonly #next: () => number
  readonly #trackers: readonly Tracker[]

  /** Every tracker sees the same changes. */
  constructor(seed: number, trackers: readonly Tracker[]) {
    this.#next = random(seed)
    this.#trackers = trackers
  }

  /** One change: a Service comes, changes or goes, or its endpoints do, or the node changes its zone. */
  step(): void {
    const i = this.#below(servicesMax)
    const kind = this.#below(20)
    if (kind === 0) this.#zone()
    else if (kind < 4) this.#delete(i)
    else if (kind < 10) this.#service(i)
    else this.#endpoints(i)
  }

  #below(n: number): number {
    return Math.floor(this.#next() * n)
  }

  #chance(p: number): boolean {
    return this.#next() < p
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T
  }

  #zone(): void {
    const labels = { 'topology.kubernetes.io/zone': this.#pick(['a', 'b']) }
    for (const tracker of this.#trackers) tracker.setNode({ metadata: { name: 'node-1', labels } })
  }

  #delete(i: number): void {
    for (const tracker of this.#trackers) tracker.deleteService(service(`demo/s${i}`, ''))
  }

  #service(i: number): void {
    const type = this.#pick(['ClusterIP', 'NodePort', 'LoadBalancer'])
    const exposed = type !== 'ClusterIP'
    const ports = ['http', 'dns'].slice(0, 1 + this.#below(2)).map((name, n) => ({
      name,
      port: n === 0 ? 80 : 53,
      protocol: n === 0 ? 'TCP' : 'UDP',
      ...(exposed && this.#chance(0.8) && { nodePort: 30000 + 10 * i + n }),
    }))
    const local = exposed && this.#chance(0.4)
    const spec: SpecInput = {
      type,
      ports,
      ...(this.#chance(0.3) && { sessionAffinity: 'ClientIP' }),
      ...(this.#chance(0.3) && { internalTrafficPolicy: 'Local' }),
      ...(this.#chance(0.2) && { externalIPs: [`198.51.100.${i + 1}`] }),
      ...(local && { externalTrafficPolicy: 'Local' }),
      ...(local && type === 'LoadBalancer' && { healthCheckNodePort: 31000 + i }),
      ...(this.#chance(0.4) && { loadBalancerSourceRanges: this.#pick([['172.30.9.0/24'], ['203.0.113.0/24']]) }),
    }
    const ingress = [{ ip: `192.0.2.${i + 1}`, ipMode: this.#pick(['VIP', 'VIP', 'Proxy']) }]
    const status = type === 'LoadBalancer' && this.#chance(0.8) ? { loadBalancer: { ingress } } : undefined
    const object = service(`demo/s${i}`, `10.96.1.${i + 1}`, spec, status)
    for (const tracker of this.#trackers) tracker.setService(object)
  }

  #endpoints(i: number): void {
    const endpoints = Array.from({ length: this.#below(5) }, () => {
      const terminating = this.#chance(0.3)
      return {
        addresses: [`10.244.${i}.${1 + this.#below(6)}`],
        nodeName: this.#pick(nodeNames),
        conditions: { ready: !terminating && this.#chance(0.8), serving: this.#chance(0.8), terminating },
        ...(this.#chance(0.5) && { hints: { forZones: [{ name: this.#pick(['a', 'b']) }] } }),
      }
    })
    const targets = [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'dns', port: 5353, protocol: 'UDP' },
    ]
    const object = slice(`demo/s${i}`, endpoints, targets, this.#pick(['a', 'b']))
    for (const tracker of this.#trackers) {
      if (endpoints.length === 0 && object.metadata.name.endsWith('b')) tracker.deleteSlice(object)
      else tracker.setSlice(object)
    }
  }
}
