/** The Node object this agent stands for. Pure, but for the facts it is given. */
import type { Node, NodeAddress, NodeCondition, NodeStatus } from '../../api/generated/v1.ts'
import { compareQuantities } from '../../api/machinery/quantity.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { type AgentConfig, nodeIPs } from '../config.ts'
import { defaultHandler } from '../pods/sandbox-config.ts'

type Amounts = Readonly<Record<string, string>>

/** What the machine is. */
export interface MachineFacts {
  readonly cpus: number
  readonly memoryKi: number
  readonly diskKi: number
  readonly architecture: string
  readonly kernelVersion: string
  readonly osImage: string
  readonly machineID: string
  readonly systemUUID: string
  readonly bootID: string
}

const kubeletVersion = 'v1.36.0+fairway'
const runtimeVersion = 'process://0.1.0'
/** As the kubelet's default. */
const podsMax = 110

export function nodeLabels(
  { nodeName, labels = {} }: AgentConfig,
  { architecture }: MachineFacts,
): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    ...labels,
  }
}

/** What the node has, all of it for pods. */
export function nodeAmounts(facts: MachineFacts): Record<string, string> {
  return {
    cpu: String(facts.cpus),
    'ephemeral-storage': `${facts.diskKi}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${facts.memoryKi}Ki`,
    pods: String(podsMax),
  }
}

/** '' is the handler of pods without a RuntimeClass. */
const runtimeHandlers = ['', defaultHandler].map((name) => ({
  name,
  features: { recursiveReadOnlyMounts: true, userNamespaces: false },
}))

/**
 * `before` keeps transition times, and conditions that others set. What they say in its capacity that the node has
 * (extended resources) is for pods, too.
 */
export function nodeStatus(
  config: AgentConfig,
  facts: MachineFacts,
  now: Date,
  before?: Node,
): NonNullable<Node['status']> {
  const amounts = nodeAmounts(facts)
  return {
    addresses: addresses(config),
    capacity: amounts,
    allocatable: { ...before?.status?.capacity, ...amounts },
    conditions: conditions(now, before?.status?.conditions ?? []),
    // Programs look here before they ask for either (KEP-3619, KEP-3857).
    features: { supplementalGroupsPolicy: true },
    runtimeHandlers,
    daemonEndpoints: { kubeletEndpoint: { Port: config.port ?? 10250 } },
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootID,
      containerRuntimeVersion: runtimeVersion,
      kernelVersion: facts.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: facts.machineID,
      operatingSystem: 'linux',
      osImage: facts.osImage,
      systemUUID: facts.systemUUID,
    },
  }
}

function addresses(config: AgentConfig) {
  const internal = nodeIPs(config).map((address) => ({ type: 'InternalIP', address }))
  return [...internal, { type: 'Hostname', address: config.nodeName }]
}

const conditionFacts = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const

function conditions(now: Date, before: readonly NodeCondition[]): NodeCondition[] {
  const time = formatTime(now)
  const own = conditionFacts.map(([type, status, reason, message]) => {
    const old = before.find((condition) => condition.type === type)
    const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? time) : time
    return { type, status, reason, message, lastHeartbeatTime: time, lastTransitionTime }
  })
  const others = before.filter(({ type }) => own.every((condition) => condition.type !== type))
  return [...others, ...own]
}

/** What `nodeStatus` would change, heartbeats apart. */
export function needsStatus(node: Node, config: AgentConfig, facts: MachineFacts): boolean {
  const { status } = node
  const conditions = status?.conditions ?? []
  const conditionsHold = conditionFacts.every(([type, wanted]) =>
    conditions.some((condition) => condition.type === type && condition.status === wanted),
  )
  const spell = (list: NodeAddress[] = []) => list.map(({ type, address }) => `${type}=${address}`).join()
  const sameMachine = status?.nodeInfo?.bootID === facts.bootID && status.nodeInfo.kubeletVersion === kubeletVersion
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port
  return (
    !conditionsHold ||
    !amountsHold(node, facts) ||
    spell(status?.addresses) !== spell(addresses(config)) ||
    !sameMachine ||
    status.runtimeHandlers?.length !== runtimeHandlers.length ||
    port !== (config.port ?? 10250)
  )
}

function amountsHold({ status }: Node, facts: MachineFacts): boolean {
  const { capacity = {}, allocatable = {} } = status ?? {}
  const own = nodeAmounts(facts)
  return includes(capacity, own) && includes(allocatable, { ...capacity, ...own }) && lostResources(status).length === 0
}

function includes(have: Amounts, wanted: Amounts): boolean {
  return Object.entries(wanted).every(
    ([name, amount]) => have[name] !== undefined && compareQuantities(have[name], amount) === 0,
  )
}

/** Extended resources that are still for pods, and no longer in the node's capacity. */
export function lostResources({ capacity = {}, allocatable = {} }: NodeStatus = {}): string[] {
  return Object.keys(allocatable).filter((name) => isExtendedResource(name) && capacity[name] === undefined)
}

/** Neither Kubernetes' own nor without a domain. */
function isExtendedResource(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/')
}
