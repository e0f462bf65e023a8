/** Puts the proxy together: informers feed the tracker, the tracker's changes go through the syncer to a mode. */
import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { EndpointSlice } from '../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Service } from '../api/generated/v1.ts'
import { objectKey } from '../api/machinery/object.ts'
import type { KubeClient } from '../client/contract.ts'
import { Informer } from '../client/informer.ts'
import { resources } from '../client/resources.ts'
import { systemClock } from '../lib/clock.ts'
import type { Exec } from '../lib/exec.ts'
import { contains, parseCidr, parseIp } from '../lib/ip.ts'
import type { Logger } from '../lib/log.ts'
import type { ProxyConfig } from './config/config.ts'
import { FlowCleaner, type FlowCleaning } from './conntrack.ts'
import { makeIptablesMode, probeIptables } from './modes/iptables/make.ts'
import type { Family, PortChange } from './plan/types.ts'
import { type ChangeKind, Changes } from './serve/changes.ts'
import { countNoLocalEndpoints, type ProxyGauges } from './serve/gauges.ts'
import { countLeading, describeProgrammed, type ProgrammedService } from './serve/programmed.ts'
import { Syncer, type SyncObserver } from './syncer.ts'
import { Journal } from './track/journal.ts'
import { serviceOf, Tracker } from './track/tracker.ts'

export interface ProxyOptions {
  readonly client: KubeClient
  readonly config: ProxyConfig
  readonly node: string
  readonly exec: Exec
  readonly observer: SyncObserver
  readonly cleaned: (cleaning: FlowCleaning) => void
  readonly log: Logger
}

export interface Proxy {
  /** The node should get traffic from load balancers: it is not being deleted. */
  readonly nodeEligible: () => boolean
  /** Hands over everything that is in the kernel, and from then on each change that gets there. */
  readonly follow: (committed: (changes: readonly PortChange[]) => void) => void
  /** Which revisions of a Service (`namespace/name`) are in the kernel; undefined: none. */
  readonly programmed: (service: string) => ProgrammedService | undefined
  /** How many Services take a pod's address for one that stays, or did in the rules that the kernel has. */
  readonly servicesLeadingTo: (ip: string) => number
  readonly gauges: () => Promise<ProxyGauges>
  /** Addresses of this machine that node ports answer on; empty: all. */
  readonly nodePortAddresses: readonly string[]
}

/** A kernel without IPv6 would refuse every sync of a dual-stack Service. */
function machineFamilies(): readonly Family[] {
  return existsSync('/proc/net/if_inet6') ? [4, 6] : [4]
}

/** Headless Services have no rules; the other label hands a Service to another proxy. */
const selection = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name'
const eligibilityTaint = 'ToBeDeletedByClusterAutoscaler'

/** Resolves when the first rules are in the kernel; goes on until the signal aborts. */
export async function startProxy(options: ProxyOptions, signal: AbortSignal): Promise<Proxy> {
  const { client, config, node, exec, observer, cleaned, log } = options
  const families = machineFamilies()
  if (families.length === 1) log.info('the kernel has no IPv6; only IPv4 addresses of Services are served')
  const tracker = new Tracker({ node, families, since: Date.now() })
  const journal = new Journal(tracker)
  const changes = new Changes()
  const followers: ((changes: readonly PortChange[]) => void)[] = []
  const nodes = new Informer<Node>({
    client,
    resource: resources.nodes,
    fieldSelector: `metadata.name=${node}`,
    transform: slimNode,
    log,
  })
  const self = () => nodes.get(node)
  const machine4 = probeIptables(4, exec)
  const syncer = new Syncer({
    tracker,
    makeMode: async (family) => {
      const machine = await (family === 4 ? machine4 : probeIptables(family, exec))
      return makeIptablesMode({ family, config, exec, log, machine, ...nodeFacts(self(), config, family) })
    },
    flows: new FlowCleaner({ exec, log, cleaned }),
    clock: systemClock,
    observer,
    follower: {
      taken: () => {
        journal.taken()
        changes.taken()
      },
      committed: (committed) => {
        journal.committed({ now: Date.now(), tick: performance.now() })
        for (const follower of followers) follower(committed)
      },
    },
    minIntervalMs: config.minSyncPeriodMs,
    log,
  })
  const heard = (kind: ChangeKind, service: string) => {
    journal.heard(service, performance.now())
    changes.heard(kind, service)
  }
  await Promise.all([machine4, follow({ client, nodes, tracker, heard, syncer, log }, signal)])
  await syncer.start(signal)
  return {
    nodeEligible: () => isEligible(self()),
    follow: (committed) => {
      committed([...tracker.plans()].map((plan) => ({ id: plan.id, after: plan })))
      followers.push(committed)
    },
    programmed: (service) => describeProgrammed(service, journal, tracker.plansOf(service)),
    servicesLeadingTo: (ip) => countLeading(tracker.servicesAt(ip), journal),
    gauges: async () => ({
      rules: syncer.counts(),
      noLocalEndpoints: countNoLocalEndpoints(tracker.plans(), families),
      packets: await syncer.packets(),
      changes: { service: changes.counts('service'), endpoint: changes.counts('endpoint') },
    }),
    nodePortAddresses: families.flatMap((family) => {
      const { nodePortAddresses } = nodeFacts(self(), config, family)
      return nodePortAddresses === 'all' ? [] : nodePortAddresses
    }),
  }
}

/** Starts the informers and waits for all: rules made from half the objects would cut off the other half. */
async function follow(
  {
    client,
    nodes,
    tracker,
    heard,
    syncer,
    log,
  }: {
    client: KubeClient
    nodes: Informer<Node>
    tracker: Tracker
    heard: (kind: ChangeKind, service: string) => void
    syncer: Syncer
    log: Logger
  },
  signal: AbortSignal,
): Promise<void> {
  const labelSelector = selection
  const services = new Informer<Service>({
    client,
    resource: resources.services,
    labelSelector,
    transform: slimService,
    log,
  })
  const slices = new Informer<EndpointSlice>({
    client,
    resource: resources.endpointSlices,
    labelSelector,
    transform: slimSlice,
    log,
  })
  services.onChange(({ type, object }) => {
    heard('service', objectKey(object))
    if (type === 'deleted') tracker.deleteService(object)
    else tracker.setService(object)
    syncer.poke()
  })
  slices.onChange((change) => {
    const service = serviceOf(change.object)
    if (service) heard('endpoint', service)
    if (change.type === 'deleted') tracker.deleteSlice(change.object)
    else tracker.setSlice(change.object)
    syncer.poke()
  })
  nodes.onChange(({ type, object }) => {
    if (type !== 'deleted') tracker.setNode(object)
    if (tracker.dirty) syncer.poke()
  })
  const informers = [services, slices, nodes]
  for (const informer of informers) informer.start(signal)
  await Promise.all(informers.map((informer) => informer.synced))
}

/** Caches hold what the plan needs and nothing else. */
function slimMeta({
  name,
  namespace,
  uid,
  resourceVersion,
  labels,
  annotations,
}: Service['metadata']): Service['metadata'] {
  const trigger = 'endpoints.kubernetes.io/last-change-trigger-time'
  const triggered = annotations?.[trigger]
  return {
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
    ...(labels && { labels }),
    ...(triggered && { annotations: { [trigger]: triggered } }),
  }
}

const slimService = ({ metadata, spec, status }: Service): Service => ({
  metadata: slimMeta(metadata),
  ...(spec && { spec }),
  ...(status && { status }),
})

const slimSlice = ({ metadata, addressType, endpoints, ports }: EndpointSlice): EndpointSlice => ({
  metadata: slimMeta(metadata),
  addressType,
  ...(ports && { ports }),
  endpoints: (endpoints ?? []).map(({ addresses, conditions, hints, nodeName }) => ({
    addresses,
    ...(conditions && { conditions }),
    ...(hints && { hints }),
    ...(nodeName && { nodeName }),
  })),
})

const slimNode = ({ metadata, spec, status }: Node): Node => ({
  metadata: {
    ...slimMeta(metadata),
    ...(metadata.deletionTimestamp && { deletionTimestamp: metadata.deletionTimestamp }),
  },
  ...(spec && { spec }),
  ...(status?.addresses && { status: { addresses: status.addresses } }),
})

function isEligible(node: Node | undefined): boolean {
  if (!node) return true
  return !node.metadata.deletionTimestamp && !node.spec?.taints?.some((taint) => taint.key === eligibilityTaint)
}

/** What rules depend on about this machine, as of now. */
function nodeFacts(node: Node | undefined, { nodePortAddresses }: ProxyConfig, family: Family) {
  const addresses = node?.status?.addresses ?? []
  const ofFamily = (ip: string) => parseIp(ip)?.family === family
  const nodeIp = addresses.find((a) => a.type === 'InternalIP' && ofFamily(a.address))?.address ?? ''
  const podCidrs = (node?.spec?.podCIDRs ?? []).filter((cidr) => parseCidr(cidr)?.ip.family === family)
  return { nodeIp, podCidrs, nodePortAddresses: nodePortIps(nodePortAddresses, nodeIp, family) }
}

/**
 * The addresses of this machine inside the configured blocks; 'all' when that is what the blocks amount to: none of this
 * family, or one that holds everything.
 */
function nodePortIps(blocks: readonly string[], nodeIp: string, family: Family): 'all' | string[] {
  if (blocks[0] === 'primary') return nodeIp ? [nodeIp] : []
  const cidrs = blocks.flatMap((block) => parseCidr(block) ?? []).filter((cidr) => cidr.ip.family === family)
  if (cidrs.length === 0 || cidrs.some((cidr) => cidr.prefix === 0)) return 'all'
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((i) => i.address))
  return [...new Set(own)].filter((address) => {
    const ip = parseIp(address)
    return ip !== undefined && cidrs.some((cidr) => contains(cidr, ip))
  })
}
