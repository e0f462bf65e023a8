/** For tests and benches: an API server and the endpoint controllers in this process, on loopback, and a DNS client. */
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pod } from '../api/generated/v1.ts'
import { definitions } from '../api/index.ts'
import { createApiServer, inProcessTransport, listenHttps } from '../apiserver/index.ts'
import { Client, EventRecorder, resources } from '../client/index.ts'
import { SharedInformers } from '../controllers/context.ts'
import { startEndpointsController } from '../controllers/endpoints/index.ts'
import { startEndpointSliceController } from '../controllers/endpointslice/index.ts'
import { startEndpointSliceMirroringController } from '../controllers/endpointslicemirroring/index.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLogger } from '../lib/log.ts'
import { createCa, issue } from '../lib/pki.ts'
import { openSqliteStore } from '../store/index.ts'
import { decodeMessage, encodeMessage, type Message, recordTypes } from './wire/index.ts'
import { query } from './wire/query.fixture.ts'

export interface TestCluster {
  readonly client: Client
  /** Holds `kubeconfig`; room for a Corefile. Gone with the cluster. */
  readonly directory: string
  /** A pod that runs on `node-1` at this address, ready at once. */
  readonly pod: (
    name: string,
    ip: string,
    more?: { labels?: Record<string, string>; spec?: Partial<Pod['spec']> },
  ) => Promise<Pod>
  readonly close: () => Promise<void>
}

/** `controllers: false` leaves the endpoint controllers to another process. */
export async function startTestCluster({ controllers = true } = {}): Promise<TestCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'fairway-dns-'))
  const ca = await createCa({ commonName: 'kubernetes' })
  const user = { commonName: 'kubernetes-admin', organizations: ['system:masters'], usage: 'client', days: 1 } as const
  const own = { commonName: 'kube-apiserver', ipAddresses: ['127.0.0.1'], usage: 'server', days: 1 } as const
  const [admin, serving] = await Promise.all([issue(ca, user), issue(ca, own)])
  const store = openSqliteStore({ path: join(directory, 'store.db') })
  const settings = {
    serviceCidrs: ['10.96.0.0/12'],
    nodePortRange: { from: 30_000, to: 32_767 },
    clusterDomain: 'cluster.local',
  }
  // Nobody makes accounts for the pods here.
  const disableAdmissionPlugins = ['ServiceAccount']
  const server = createApiServer({ store, definitions, settings, disableAdmissionPlugins, log: silentLogger })
  const listener = await listenHttps(server, { host: '127.0.0.1', port: 0, ...serving, clientCaPem: ca.certPem })
  const client = new Client({ transport: inProcessTransport(server, { name: 'admin', groups: ['system:masters'] }) })
  const stop = new AbortController()
  if (controllers) startEndpointControllers(client, stop.signal)
  writeFileSync(join(directory, 'kubeconfig'), kubeconfig(`https://127.0.0.1:${listener.port}`, ca.certPem, admin))
  await client.create(resources.namespaces, { metadata: { name: 'demo' } })
  await client.create(resources.nodes, { metadata: { name: 'node-1' } })
  return {
    client,
    directory,
    pod: (name, ip, more) => createPod(client, name, { ip, ...more }),
    close: async () => {
      stop.abort()
      await listener.close()
      server.close()
      await store.close()
      rmSync(directory, { recursive: true })
    },
  }
}

export function startEndpointControllers(client: Client, signal: AbortSignal): void {
  const log = silentLogger
  const informers = new SharedInformers({ client, log })
  const ctx = {
    client,
    informers,
    settings: { serviceCidrs: [], podCidrs: [], apiServer: { address: '127.0.0.1', port: 6443 } },
    log,
    clock: systemClock,
    signal,
    events: (component: string) => new EventRecorder({ client, component }),
  }
  startEndpointsController(ctx)
  startEndpointSliceController(ctx)
  startEndpointSliceMirroringController(ctx)
  informers.start(signal)
}

async function createPod(
  client: Client,
  name: string,
  { ip, labels = { app: 'web' }, spec }: { ip: string; labels?: Record<string, string>; spec?: Partial<Pod['spec']> },
): Promise<Pod> {
  const container = { name: 'c', image: 'x', ports: [{ name: 'http', containerPort: 8080 }] }
  const pod = await client.create(resources.pods, {
    metadata: { name, namespace: 'demo', labels },
    spec: { nodeName: 'node-1', ...spec, containers: [container] },
  })
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+/, '')
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }]
  const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions }
  return client.updateStatus(resources.pods, { ...pod, status })
}

function kubeconfig(server: string, ca: string, { certPem, keyPem }: { certPem: string; keyPem: string }): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return JSON.stringify({
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'test', user: { 'client-certificate-data': base64(certPem), 'client-key-data': base64(keyPem) } }],
  })
}

export function question(name: string, type: keyof typeof recordTypes = 'A', udpSize = 1232): Message {
  const id = 1 + Math.floor(Math.random() * 65_535)
  const edns = udpSize > 512 && { edns: { udpSize, version: 0, dnssecOk: false, options: [] } }
  return query(name, { id, ...edns }, recordTypes[type])
}

/** One question over UDP to 127.0.0.1. */
export function ask(port: number, message: Message, timeoutMs = 5000): Promise<Message> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    const timer = setTimeout(() => {
      socket.close()
      reject(new Error(`no answer to ${message.questions[0]?.name} within ${timeoutMs} ms`))
    }, timeoutMs)
    socket.on('message', (bytes) => {
      clearTimeout(timer)
      socket.close()
      resolve(decodeMessage(bytes))
    })
    socket.send(encodeMessage(message), port, '127.0.0.1')
  })
}

/** A port of loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}
