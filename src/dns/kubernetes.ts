/** The kubernetes plugin's other half: watches the API and feeds the zone. */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { EndpointSlice } from '../api/generated/discovery.k8s.io.v1.ts'
import type { Pod, Service } from '../api/generated/v1.ts'
import type { KubeObject } from '../api/machinery/object.ts'
import { Client } from '../client/client.ts'
import type { CacheChange } from '../client/contract.ts'
import { type ConnectionConfig, httpsTransport } from '../client/https.ts'
import { Informer } from '../client/informer.ts'
import { loadKubeconfig } from '../client/kubeconfig.ts'
import { resources } from '../client/resources.ts'
import type { Logger } from '../lib/log.ts'
import type { KubernetesSource } from './chain.ts'
import type { ApiAccess, KubernetesConfig } from './corefile/index.ts'
import { Cluster } from './zone/index.ts'

export interface KubernetesOptions {
  readonly config: KubernetesConfig
  readonly log: Logger
  readonly signal: AbortSignal
  /** Seconds between the change of a pod or Service and its being known here. */
  readonly programmed: (serviceKind: string, seconds: number) => void
}

export interface KubernetesWatch extends KubernetesSource {
  readonly synced: Promise<void>
}

/** Rejects when the API's address or credentials cannot be read; an API that is away is waited for. */
export async function watchKubernetes({
  config,
  log,
  signal,
  programmed,
}: KubernetesOptions): Promise<KubernetesWatch> {
  const transport = httpsTransport(await connectionOf(config.access))
  signal.addEventListener('abort', () => transport.close())
  const client = new Client({ transport, userAgent: 'coredns' })
  const cluster = new Cluster({ endpointPodNames: config.endpointPodNames })
  const namespaces = new Informer({ client, resource: resources.namespaces, log, transform: bare })
  const services = new Informer({ client, resource: resources.services, log, transform: withoutStatus })
  const slices = new Informer({ client, resource: resources.endpointSlices, log, transform: essentialSlice })
  namespaces.onChange((change) => cluster.applyNamespace(change))
  services.onChange((change) => cluster.applyService(change))
  slices.onChange((change) => {
    cluster.applySlice(change)
    observeLatency(change, programmed)
  })
  const all: Pick<Informer<Pod>, 'start' | 'synced' | 'hasSynced'>[] = [namespaces, services, slices]
  if (config.pods === 'verified') {
    const pods = new Informer({ client, resource: resources.pods, log, transform: addressOnly })
    pods.onChange((change) => cluster.applyPod(change))
    all.push(pods)
  }
  for (const informer of all) informer.start(signal)
  return {
    cluster,
    options: { ...config, fallthrough: config.fallthrough.zones, localAddresses: localAddresses() },
    synced: Promise.all(all.map((informer) => informer.synced)).then(() => {}),
    hasSynced: () => all.every((informer) => informer.hasSynced),
  }
}

async function connectionOf(access: ApiAccess): Promise<ConnectionConfig> {
  switch (access.type) {
    case 'kubeconfig':
      return loadKubeconfig(access.path, access.context)
    case 'endpoint': {
      const [cert, key, ca] = (access.tls ?? []).map((path) => readFileSync(path, 'utf8'))
      return { server: access.url, ...(cert && { cert }), ...(key && { key }), ...(ca && { ca }) }
    }
    case 'in-cluster':
      return inCluster()
  }
}

/** What Kubernetes puts into every pod (client-go's InClusterConfig). */
function inCluster(): ConnectionConfig {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env
  if (!host || !port) {
    throw new Error(
      'unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined',
    )
  }
  const account = '/var/run/secrets/kubernetes.io/serviceaccount'
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    token: readFileSync(`${account}/token`, 'utf8').trim(),
    ca: readFileSync(`${account}/ca.crt`, 'utf8'),
  }
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address)
}

const lastChange = 'endpoints.kubernetes.io/last-change-trigger-time'

/** Only of changes seen as they happen: what was there at the start says nothing about latency. */
function observeLatency(change: CacheChange<EndpointSlice>, programmed: KubernetesOptions['programmed']): void {
  const at = change.object.metadata.annotations?.[lastChange]
  if (change.type !== 'updated' || !at || at === change.old.metadata.annotations?.[lastChange]) return
  const headless = change.object.metadata.labels?.['service.kubernetes.io/headless'] !== undefined
  programmed(headless ? 'headless_with_selector' : 'cluster_ip', Math.max(0, (Date.now() - Date.parse(at)) / 1000))
}

/** What is kept of an object in memory: its identity and what names are made of. */
function bare({ metadata }: KubeObject): { metadata: Service['metadata'] } {
  const { name, namespace, uid, resourceVersion } = metadata
  return {
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    },
  }
}

function withoutStatus(service: Service): Service {
  return { ...bare(service), ...(service.spec && { spec: service.spec }) }
}

function addressOnly(pod: Pod): Pod {
  return { ...bare(pod), ...(pod.status?.podIP && { status: { podIP: pod.status.podIP } }) }
}

function essentialSlice({ metadata, ...slice }: EndpointSlice): EndpointSlice {
  const { labels, annotations } = metadata
  const kept = { ...bare({ metadata }).metadata, ...(labels && { labels }), ...(annotations && { annotations }) }
  return { ...slice, metadata: kept }
}
