/** Where a proxy request goes: a pod's address, a ready endpoint of a Service, a node. */
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Pod, PodIP, Service } from '../../api/generated/v1.ts'
import { badRequest, type StatusError, serviceUnavailable } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import { formatIp, parseIp } from '../../lib/ip.ts'
import type { Entry } from '../cache/entry.ts'
import type { ServerContext } from '../context.ts'
import { readEntry } from '../read/index.ts'
import { type AgentAddress, agentAddress } from '../subresources/agent.ts'
import { type ProxyTarget, type SchemeNamePort, splitSchemeNamePort } from './target.ts'

export interface Backend extends AgentAddress {
  /** `agent`: over TLS with the server's own certificate. */
  readonly protocol: 'http' | 'https' | 'agent'
}

/** Throws StatusError: no such object, nothing behind it, an address that is none. */
export function locateBackend(context: ServerContext, target: ProxyTarget): Promise<Backend> {
  const asked = splitSchemeNamePort(target.id)
  const what = target.plural.slice(0, -1)
  if (!asked) throw badRequest(`invalid ${what} request ${JSON.stringify(target.id)}`)
  switch (target.plural) {
    case 'pods':
      return locatePod(context, target, asked)
    case 'services':
      return locateService(context, target, asked)
    case 'nodes':
      return locateNode(context, asked)
  }
}

/** Without a port: the first that a container declares, else the scheme's. */
async function locatePod(context: ServerContext, { namespace }: ProxyTarget, asked: SchemeNamePort): Promise<Backend> {
  const at = { resource: context.registry.served(resources.pods), namespace, name: asked.name }
  const { spec, status } = (await readEntry(context, at)).object as Pod
  const declared = spec?.containers?.find(({ ports }) => ports && ports.length > 0)?.ports?.[0]?.containerPort
  const protocol = asked.scheme || 'http'
  const port = asked.port || String(declared ?? (protocol === 'https' ? 443 : 80))
  return { protocol, host: requireUnicast(status?.podIP), port: portNumber(port) }
}

/** A ready endpoint, by chance; its port is that of the Service's port of this number or name. */
async function locateService(
  context: ServerContext,
  { namespace, id }: ProxyTarget,
  asked: SchemeNamePort,
): Promise<Backend> {
  const at = { resource: context.registry.served(resources.services), namespace, name: asked.name }
  const { spec } = (await readEntry(context, at)).object as Service
  const ports = spec?.ports ?? []
  let name = asked.port
  if (/^\d+$/.test(asked.port)) {
    const numbered = ports.find(({ port }) => port === Number(asked.port))
    if (!numbered) throw serviceUnavailable(`no service port ${asked.port} found for service ${quoted(asked.name)}`)
    name = numbered.name ?? ''
  }
  const endpoints = await readyEndpoints(context, { namespace, service: asked.name, port: name })
  const chosen = endpoints[Math.floor(Math.random() * endpoints.length)]
  if (!chosen) throw serviceUnavailable(`no endpoints available for service ${quoted(id)}`)
  return { protocol: asked.scheme || 'http', ...chosen }
}

async function readyEndpoints(
  context: ServerContext,
  { namespace, service, port }: { namespace: string; service: string; port: string },
): Promise<AgentAddress[]> {
  const cache = await context.objects.cache(resources.endpointSlices)
  await context.feed.current()
  const pods = await context.objects.cache(resources.pods)
  // Only to pods that have the address: who may use the proxy reaches no more by an EndpointSlice of his own.
  const isPod = (address: string, name: string) => podIPsOf(pods.get(namespace, name)).some(({ ip }) => ip === address)
  const slices = cache
    .list(namespace)
    .map(({ object }) => object as EndpointSlice)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service)
  return slices.flatMap(({ ports, endpoints }) => {
    const number = ports?.find(({ name }) => (name ?? '') === port)?.port
    if (!number) return []
    return (endpoints ?? []).flatMap(({ addresses: [address = ''], conditions, targetRef }) => {
      const serves = conditions?.ready !== false && targetRef?.kind === 'Pod' && isPod(address, targetRef.name ?? '')
      return serves ? [{ host: address, port: number }] : []
    })
  })
}

/** Without a port, or with the agent's: the agent. Else whatever listens on the node. */
async function locateNode(context: ServerContext, asked: SchemeNamePort): Promise<Backend> {
  const agent = await agentAddress(context, asked.name)
  if (asked.port === '' || asked.port === String(agent.port)) return { protocol: 'agent', ...agent }
  return { protocol: asked.scheme || 'http', host: requireUnicast(agent.host), port: portNumber(asked.port) }
}

function podIPsOf(pod: Entry | undefined): readonly PodIP[] {
  const { status } = (pod?.object ?? {}) as Partial<Pod>
  return status?.podIPs ?? []
}

/** A status is written by agents; it must not lead to the server's own loopback or to link-local services. */
function requireUnicast(address: string | undefined): string {
  const ip = parseIp(address ?? '')
  if (!ip || notGlobal.some((pattern) => pattern.test(formatIp(ip)))) throw badRequest('address not allowed')
  return formatIp(ip)
}

/** Unspecified, loopback, link-local, multicast, broadcast. RFC 6890 */
const notGlobal = [
  /^0\.0\.0\.0$/,
  /^127\./,
  /^169\.254\./,
  /^2(2[4-9]|3\d)\./,
  /^255\.255\.255\.255$/,
  /^::1?$/,
  /^fe[89ab]/,
  /^ff/,
]

function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw unknownPort(text)
}

function unknownPort(text: string): StatusError {
  return serviceUnavailable(`error trying to reach service: lookup tcp/${text}: unknown port`)
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
