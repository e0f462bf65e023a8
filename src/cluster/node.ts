/** Switches single nodes off and on, as a power button does: what was in memory is lost, what is on disk stays. */
import type { Node } from '../api/generated/v1.ts'
import { resources } from '../client/resources.ts'
import { unmountBelow } from './down.ts'
import { connectNode, nodeNamespaces, removeNodeNamespaces, unplugNode } from './network.ts'
import { kill, processesInNamespaces, runningPid, waitForExit } from './processes.ts'
import { type Layout, type NodeLayout, SettingsError } from './settings.ts'
import { isStopped, setStopped, withLock } from './state.ts'
import { lookAgainSignal } from './supervisor.ts'
import { adminClient, waitForAgents, waitForNodes } from './wait.ts'

const killTimeoutMs = 10_000

/** Its network goes first, so that nobody hears from it again; then its processes, kernel state and mounts. */
export async function stopNode(layout: Layout, base: string, node: NodeLayout): Promise<void> {
  await withLock(layout, base, async () => {
    if (isStopped(node) && nodeNamespaces(layout, node).length === 0) {
      throw new SettingsError(`${node.name} is stopped already; start it with: fairway node start ${node.name}`)
    }
    setStopped(node, true)
    await powerOff(layout, node)
  })
}

async function powerOff(layout: Layout, node: NodeLayout): Promise<void> {
  await unplugNode(layout, node)
  await killAll(processesInNamespaces(layout, nodeNamespaces(layout, node)))
  // What was being started meanwhile.
  await killAll(processesInNamespaces(layout, nodeNamespaces(layout, node)))
  await removeNodeNamespaces(layout, node)
  await unmountBelow(node.dir)
}

/** Returns when the node is Ready again. */
export async function startNode(layout: Layout, base: string, node: NodeLayout, timeoutMs: number): Promise<void> {
  await withLock(layout, base, async () => {
    if (!isStopped(node)) throw new SettingsError(`${node.name} is not stopped`)
    const supervisor = runningPid(layout, 'supervisor')
    if (!supervisor) throw new SettingsError('the supervisor of the cluster is gone; bring it back with: fairway up')
    const since = new Date()
    // Left by a stop or start that was ended half way.
    if (nodeNamespaces(layout, node).length > 0) await powerOff(layout, node)
    await connectNode(layout, node)
    setStopped(node, false)
    kill(supervisor, lookAgainSignal)
    const patience = AbortSignal.timeout(timeoutMs)
    await waitForAgents(layout, since, patience, [node])
    await waitForNodes(layout, patience, [node])
  })
}

async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) kill(pid, 'SIGKILL')
  if (!(await waitForExit(pids, killTimeoutMs))) {
    throw new Error(`processes ${pids.join(' ')} do not end even when killed: they hang in the kernel`)
  }
}

/** A node as `fairway node list` shows it. */
export interface NodeRow {
  readonly name: string
  readonly state: 'Ready' | 'NotReady' | 'unregistered' | 'stopped'
  readonly addresses: string
  readonly podCidrs: string
  readonly zone: string
}

export async function listNodes(layout: Layout): Promise<NodeRow[]> {
  const client = await adminClient(layout)
  try {
    const { items } = await client.list(resources.nodes)
    return layout.nodes.map((node) =>
      nodeRow(
        node,
        items.find(({ metadata }) => metadata.name === node.name),
      ),
    )
  } finally {
    client.close()
  }
}

function nodeRow(node: NodeLayout, object: Node | undefined): NodeRow {
  const ready = object?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  const running = object ? (ready ? 'Ready' : 'NotReady') : 'unregistered'
  return {
    name: node.name,
    state: isStopped(node) ? 'stopped' : running,
    addresses: node.ips.join(','),
    podCidrs: object?.spec?.podCIDRs?.join(',') ?? '',
    zone: object?.metadata.labels?.['topology.kubernetes.io/zone'] ?? '',
  }
}
