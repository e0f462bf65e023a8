/** What runs of a cluster. */
import { existsSync } from 'node:fs'
import type { Pod } from '../api/generated/v1.ts'
import { resources } from '../client/resources.ts'
import { allPids, commandLine, partsOf, processesInNamespaces, pssKib, runningPid } from './processes.ts'
import type { Layout } from './settings.ts'
import { isStopped } from './state.ts'
import { adminClient, isPodReady } from './wait.ts'

export interface Row {
  readonly part: string
  readonly state: string
  readonly pid?: number
  readonly pssKib?: number
  readonly details: string
}

export interface ClusterStatus {
  readonly rows: readonly Row[]
  readonly healthy: boolean
  /** The system's processes; pods of users apart. */
  readonly memoryKib: number
}

export async function clusterStatus(layout: Layout): Promise<ClusterStatus> {
  const stopped = new Set<string>(layout.nodes.filter(isStopped).map(({ name }) => name))
  const processes = partsOf(layout).map((part): Row => {
    const pid = runningPid(layout, part)
    return pid
      ? { part, state: 'running', pid, pssKib: pssKib(pid), details: '' }
      : { part, state: stopped.has(part) ? 'stopped' : 'gone', details: '' }
  })
  const fromApi = await rowsFromApi(layout)
  const rows = [...processes, ...systemPods(layout), ...fromApi]
  const healthy = rows.every(({ state }) => state === 'running' || state === 'Ready')
  const memoryKib = rows.reduce((sum, row) => sum + (row.pssKib ?? 0), 0)
  return { rows, healthy, memoryKib }
}

const entries = { 'src/proxy/main.ts': 'kube-proxy', 'src/dns/main.ts': 'coredns' } as const

/** The proxy and the DNS, with the shims that hold them: they are of the system though they run as pods. */
function systemPods(layout: Layout): Row[] {
  const pids = processesInNamespaces(layout)
  const rows = pids.flatMap((pid): Row[] => {
    const command = commandLine(pid)
    const entry = Object.entries(entries).find(([script]) => command.includes(script))
    return entry ? [{ part: entry[1], state: 'running', pid, pssKib: pssKib(pid), details: 'process of the pod' }] : []
  })
  const shims = allPids().filter((pid) => isShim(layout, pid))
  const shimKib = shims.reduce((sum, pid) => sum + pssKib(pid), 0)
  const details = 'one for each running container'
  return shims.length > 0
    ? [...rows, { part: `${shims.length} container shims`, state: 'running', pssKib: shimKib, details }]
    : rows
}

function isShim(layout: Layout, pid: number): boolean {
  const command = commandLine(pid)
  return command.includes('shim.pl') && command.includes(layout.dir)
}

async function rowsFromApi(layout: Layout): Promise<Row[]> {
  if (!existsSync(layout.adminKubeconfig)) return []
  const client = await adminClient(layout)
  try {
    const [nodes, pods] = await Promise.all([
      client.list(resources.nodes),
      client.list(resources.pods, { namespace: 'kube-system' }),
    ])
    return [
      ...nodes.items.map((node): Row => {
        const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
        const state = ready?.status === 'True' ? 'Ready' : 'NotReady'
        return { part: `node ${node.metadata.name}`, state, details: addressOf(node.status?.addresses) }
      }),
      ...pods.items.map((pod) => podRow(pod)),
    ]
  } catch (error) {
    return [{ part: 'API', state: 'unreachable', details: error instanceof Error ? error.message : String(error) }]
  } finally {
    client.close()
  }
}

function addressOf(addresses: readonly { type: string; address: string }[] | undefined): string {
  return addresses?.find(({ type }) => type === 'InternalIP')?.address ?? ''
}

function podRow(pod: Pod): Row {
  const state = isPodReady(pod) ? 'Ready' : (pod.status?.phase ?? 'Pending')
  return { part: `pod ${pod.metadata.name}`, state, details: pod.status?.podIP ?? '' }
}
