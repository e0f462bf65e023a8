/** A node without a cluster, for tests and benches: the real pod manager and runtime, a fake API. */

import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Container, ContainerStatus, Event, Pod, PodCondition } from '../../api/generated/v1.ts'
import { Client, EventRecorder, Informer, resources } from '../../client/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { runOk } from '../../lib/exec.ts'
import { createLogger } from '../../lib/log.ts'
import { PodManager } from '../pods/manager.ts'
import { execIn } from '../pods/start.ts'
import { ProcessRuntime } from '../runtime/process.ts'
import { removeAllPods } from '../runtime/remove.ts'
import { FakeApi } from './fake-api.ts'

export const nodeIP = '172.30.0.11'
export const podsPath = '/api/v1/namespaces/default/pods'
export const fairwayRoot = resolve(import.meta.dirname, '../../..')

export interface TestNodeOptions {
  readonly nodeIPs: readonly string[]
  readonly podCIDRs: readonly string[]
  /** Where the state directory is made. */
  readonly directory: string
}

export interface TestAgent {
  readonly runtime: ProcessRuntime
  readonly pods: Informer<Pod>
  /** What a shell in a container (`main`) prints, on either stream. */
  output(uid: string, script: string, container?: string): Promise<string>
  /** Stops the agent; its pods go on. */
  stop(): void
}

export class TestNode {
  readonly api = new FakeApi()
  readonly stateDir: string
  readonly #options: TestNodeOptions

  private constructor(options: TestNodeOptions) {
    this.#options = options
    this.stateDir = mkdtempSync(join(options.directory, 'fairway-node-'))
  }

  /** The node's addresses are on the loopback of the private namespace that such tests run in. */
  static async prepare(given: Partial<TestNodeOptions> = {}): Promise<TestNode> {
    const options = { nodeIPs: [nodeIP], podCIDRs: ['10.244.0.0/24'], directory: tmpdir(), ...given }
    for (const ip of options.nodeIPs) {
      await runOk('ip', ['address', 'replace', ip, 'dev', 'lo', ...(ip.includes(':') ? ['nodad'] : [])])
    }
    return new TestNode(options)
  }

  async startAgent(): Promise<TestAgent> {
    const stop = new AbortController()
    const client = new Client({ transport: this.api })
    const log = createLogger('test-node')
    const pods = new Informer({ client, resource: resources.pods, log })
    const services = new Informer({ client, resource: resources.services, log })
    const runtime = this.runtime()
    const { nodeIPs } = this.#options
    const events = new EventRecorder({ client, component: 'kubelet', host: 'node-1' })
    const manager = new PodManager({
      client,
      runtime,
      pods,
      services,
      events,
      names,
      nodeIPs,
      allocatable: { cpu: '4', memory: '8Gi' },
      clock: systemClock,
      leadsTo: async () => false,
      log,
    })
    pods.start(stop.signal)
    services.start(stop.signal)
    await runtime.start((uid) => manager.wake(uid), stop.signal)
    await manager.run(stop.signal)
    const output = async (uid: string, script: string, container = 'main') =>
      (await execIn(runtime, { uid, container, command: ['sh', '-c', script], timeoutMs: 10_000 })).output
    return { runtime, pods, output, stop: () => stop.abort() }
  }

  runtime(): ProcessRuntime {
    return new ProcessRuntime({
      stateDir: this.stateDir,
      fairwayRoot,
      nodeIPs: this.#options.nodeIPs,
      podCIDRs: this.#options.podCIDRs,
      netnsPrefix: 'fw-test',
      masked: ['/home', this.stateDir],
      catalogues: [join(fairwayRoot, 'images/catalogue.json')],
    })
  }

  createPod(name: string, container: Partial<Container>, spec: Partial<NonNullable<Pod['spec']>> = {}): string {
    const containers = [{ name: 'main', image: 'busybox', ...container }]
    const uid = randomUUID()
    this.api.put(podsPath, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', uid },
      spec: { nodeName: 'node-1', containers, restartPolicy: 'Always', terminationGracePeriodSeconds: 5, ...spec },
    } as Pod)
    return uid
  }

  pod(name: string): Pod | undefined {
    return this.api.get(`${podsPath}/${name}`)
  }

  /** Of any of its containers, those that prepare it included. */
  containerStatus(pod: string, name = 'main'): ContainerStatus | undefined {
    const { containerStatuses = [], initContainerStatuses = [] } = this.pod(pod)?.status ?? {}
    return [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name)
  }

  condition(pod: string, type: string): PodCondition | undefined {
    return this.pod(pod)?.status?.conditions?.find((condition) => condition.type === type)
  }

  /** All that were recorded about a pod. */
  events(pod: string): Event[] {
    return this.api.list<Event>('/api/v1/events').filter(({ involvedObject }) => involvedObject.name === pod)
  }

  async untilRunning(name: string): Promise<Pod> {
    await this.api.until(`pod ${name} to be ready`, () => isReady(this.pod(name)))
    return this.pod(name) as Pod
  }

  deletePod(name: string, graceSeconds = 0): Promise<void> {
    this.api.deleteGracefully(`${podsPath}/${name}`, graceSeconds)
    return this.api.until(`pod ${name} to be gone`, () => this.pod(name) === undefined)
  }

  async remove(): Promise<void> {
    await removeAllPods(this.stateDir)
    await rm(this.stateDir, { recursive: true, force: true })
  }
}

const names = {
  nodeName: 'node-1',
  clusterDNS: '10.96.0.10',
  clusterDomain: 'cluster.local',
  hostResolvConf: 'nameserver 127.0.0.1\n',
  hostHosts: '127.0.0.1\tlocalhost\n',
}

export function isReady(pod: Pod | undefined): boolean {
  return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}
