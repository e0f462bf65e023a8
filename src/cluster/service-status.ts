/** A Service's way from the object to the rules: what is stored, and what each node's proxy has programmed of it. */
import type { EndpointSlice } from '../api/generated/discovery.k8s.io.v1.ts'
import type { ConfigMap, Node, Service } from '../api/generated/v1.ts'
import { isReason } from '../api/machinery/status.ts'
import type { Client } from '../client/client.ts'
import { resources } from '../client/resources.ts'
import type { ProgrammedService } from '../proxy/serve/programmed.ts'
import { countEndpoints, type EndpointCounts, serviceWarnings } from './service-warnings.ts'
import { hostAndPort, type Layout, SettingsError } from './settings.ts'
import { adminClient } from './wait.ts'

export interface ServiceStatus {
  readonly service: Service
  readonly slices: readonly SliceRevision[]
  readonly endpoints: EndpointCounts
  readonly nodes: readonly NodeRules[]
  readonly warnings: readonly string[]
}

export interface SliceRevision extends EndpointCounts {
  readonly name: string
  readonly resourceVersion: string
}

/** What one node's kernel holds of the Service. */
export interface NodeRules {
  readonly node: string
  /** `current`: rules are made from what is stored. `behind`: from something older. `none`: there are no rules. */
  readonly state: 'current' | 'behind' | 'none' | 'unreachable'
  /** Of the Service, and of its slices. */
  readonly revisions: readonly string[]
  /** RFC 3339; the newest of the ports'. */
  readonly programmedAt?: string
  /** From the proxy's hearing of the change to the kernel's commit. */
  readonly latencyMs?: number
  /** Endpoints that the node leads to, by port. */
  readonly ports: readonly string[]
}

const defaultProxyPort = 10256
const timeoutMs = 2000

export async function serviceStatus(layout: Layout, at: { namespace: string; name: string }): Promise<ServiceStatus> {
  const client = await adminClient(layout)
  try {
    const service = await findService(client, at)
    const labelSelector = `kubernetes.io/service-name=${at.name}`
    const [slices, pods, nodes, port] = await Promise.all([
      client.list(resources.endpointSlices, { namespace: at.namespace, labelSelector }),
      client.list(resources.pods, { namespace: at.namespace }),
      client.list(resources.nodes),
      proxyPort(client),
    ])
    const rules = hasRules(service)
      ? await Promise.all(nodes.items.map((node) => rulesOn(node, port, service, slices.items)))
      : []
    const view = { service, slices: slices.items, pods: pods.items, nodes: nodes.items }
    return {
      service,
      slices: slices.items.map(sliceRevision),
      endpoints: countEndpoints(slices.items),
      nodes: rules,
      warnings: [...serviceWarnings(view), ...unreachableWarnings(rules, port)],
    }
  } finally {
    client.close()
  }
}

function sliceRevision(slice: EndpointSlice): SliceRevision {
  const { name, resourceVersion = '' } = slice.metadata
  return { name, resourceVersion, ...countEndpoints([slice]) }
}

async function findService(client: Client, at: { namespace: string; name: string }): Promise<Service> {
  try {
    return await client.get(resources.services, at)
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error
    throw new SettingsError(`there is no service ${JSON.stringify(at.name)} in namespace ${at.namespace}`)
  }
}

/** Where kube-proxy tells about itself: the port of its ConfigMap's healthzBindAddress. */
async function proxyPort(client: Client): Promise<number> {
  const { ConfigError, loadConfig } = await import('../proxy/config/config.ts')
  const at = { namespace: 'kube-system', name: 'kube-proxy' }
  try {
    const config: ConfigMap = await client.get(resources.configMaps, at)
    const { healthzBindAddress } = await loadConfig(config.data?.['config.conf'] ?? '')
    return Number(healthzBindAddress.slice(healthzBindAddress.lastIndexOf(':') + 1))
  } catch (error) {
    // One that no proxy could start with: those that run have an older one.
    if (error instanceof ConfigError || isReason(error, 'NotFound')) return defaultProxyPort
    throw error
  }
}

function unreachableWarnings(nodes: readonly NodeRules[], port: number): string[] {
  const silent = nodes.filter(({ state }) => state === 'unreachable').map(({ node }) => node)
  if (silent.length === 0) return []
  return [
    `kube-proxy does not answer at port ${port} of ${silent.join(', ')}: see fairway logs kube-proxy --node ${silent[0]}.`,
  ]
}

/** Headless and ExternalName Services are matters of the DNS alone. */
function hasRules({ spec }: Service): boolean {
  return spec?.type !== 'ExternalName' && spec?.clusterIP !== 'None'
}

async function rulesOn(
  node: Node,
  port: number,
  service: Service,
  slices: readonly EndpointSlice[],
): Promise<NodeRules> {
  const { name } = node.metadata
  const ip = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? ''
  const { namespace, name: serviceName } = service.metadata
  const url = `http://${hostAndPort(ip, port)}/fairway/services/${namespace}/${serviceName}`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    const body = (await response.json()) as ProgrammedService
    return response.ok
      ? nodeRules(name, body, service, slices)
      : { node: name, state: 'none', revisions: [], ports: [] }
  } catch {
    return { node: name, state: 'unreachable', revisions: [], ports: [] }
  }
}

/** Pure. */
export function nodeRules(
  node: string,
  { ports, pending }: ProgrammedService,
  service: Service,
  slices: readonly EndpointSlice[],
): NodeRules {
  const used = new Map(ports.flatMap(({ endpointSlices }) => Object.entries(endpointSlices)))
  const [first] = ports
  // The proxy takes only slices that its Service's families concern.
  const families = new Set<string>(ports.map(({ ipFamily }) => ipFamily))
  const concerned = slices.filter(({ addressType }) => families.has(addressType))
  const current =
    !pending &&
    first?.resourceVersion === service.metadata.resourceVersion &&
    used.size === concerned.length &&
    concerned.every(({ metadata }) => used.get(metadata.name) === metadata.resourceVersion)
  const newest = [...ports].sort((a, b) => (a.programmedAt < b.programmedAt ? 1 : -1))[0]
  return {
    node,
    state: current ? 'current' : 'behind',
    revisions: [first?.resourceVersion ?? '', ...used.values()],
    ...(newest && { programmedAt: newest.programmedAt, latencyMs: newest.latencyMs }),
    ports: ports.map(portText),
  }
}

function portText({
  name,
  ipFamily,
  protocol,
  port,
  endpoints,
  internal,
  external,
}: ProgrammedService['ports'][number]) {
  const label = `${name ? `${name}:` : ''}${port}/${protocol}${ipFamily === 'IPv6' ? ' IPv6' : ''}`
  const verdicts = external && external !== internal ? `${internal}, from outside ${external}` : internal
  return `${label} → ${endpoints} (${verdicts})`
}
