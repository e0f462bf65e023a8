/** Waiting for parts of a cluster, by watching its API. `patience` is aborted when nobody waits any longer. */
import type { Node, Pod } from '../api/generated/v1.ts'
import type { KubeObject } from '../api/machinery/object.ts'
import { Client } from '../client/client.ts'
import type { ListOptions, Resource } from '../client/contract.ts'
import { httpsTransport } from '../client/https.ts'
import { loadKubeconfig } from '../client/kubeconfig.ts'
import { resources } from '../client/resources.ts'
import type { Layout, NodeLayout } from './settings.ts'
import { nodesOn } from './state.ts'

/** A client with the user's own credentials. */
export async function adminClient(layout: Layout): Promise<Client> {
  return new Client({ transport: httpsTransport(await loadKubeconfig(layout.adminKubeconfig)), userAgent: 'fairway' })
}

/** Until these nodes are Ready; those that should run, unless told. */
export async function waitForNodes(layout: Layout, patience: AbortSignal, wanted = nodesOn(layout)): Promise<void> {
  const what = `${names(wanted)} did not become Ready in time`
  await watchUntil(layout, resources.nodes, {}, patience, what, (nodes) =>
    wanted.every(({ name }) => nodes.some((node) => node.metadata.name === name && isNodeReady(node))),
  )
}

function isNodeReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** Until every agent has renewed its node's lease since `since`: an adopted cluster remembers an older Ready. */
export async function waitForAgents(
  layout: Layout,
  since: Date,
  patience: AbortSignal,
  wanted = nodesOn(layout),
): Promise<void> {
  const scope = { namespace: 'kube-node-lease' }
  const what = `the agents of ${names(wanted)} did not report in time; see: fairway logs ${wanted[0]?.name}`
  await watchUntil(layout, resources.leases, scope, patience, what, (leases) =>
    wanted.every(({ name }) =>
      leases.some(
        ({ metadata, spec }) => metadata.name === name && Date.parse(spec?.renewTime ?? '') >= since.getTime(),
      ),
    ),
  )
}

function names(nodes: readonly NodeLayout[]): string {
  return nodes.map(({ name }) => name).join(', ')
}

/** Until a proxy runs on every node and the DNS answers. */
export async function waitForSystemPods(layout: Layout, patience: AbortSignal): Promise<void> {
  const what = 'kube-proxy and coredns did not become ready in time'
  await watchUntil(layout, resources.pods, { namespace: 'kube-system' }, patience, what, (pods) => {
    const ready = (app: string) =>
      pods.filter((pod) => pod.metadata.labels?.['k8s-app'] === app && isPodReady(pod)).length
    return ready('kube-proxy') >= nodesOn(layout).length && ready('kube-dns') >= 1
  })
}

export function isPodReady(pod: Pod): boolean {
  return (
    !pod.metadata.deletionTimestamp &&
    (pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false)
  )
}

async function watchUntil<T extends KubeObject>(
  layout: Layout,
  resource: Resource<T>,
  scope: ListOptions,
  patience: AbortSignal,
  onTimeout: string,
  holds: (objects: readonly T[]) => boolean,
): Promise<void> {
  const client = await adminClient(layout)
  const objects = new Map<string, T>()
  try {
    // Without a version a watch begins with what is there.
    for await (const { type, object } of client.watch(resource, { ...scope, signal: patience })) {
      if (type === 'BOOKMARK') continue
      if (type === 'DELETED') objects.delete(object.metadata.name)
      else objects.set(object.metadata.name, object)
      if (holds([...objects.values()])) return
    }
    throw new Error('the API server ended the watch')
  } catch (error) {
    throw patience.aborted ? new Error(onTimeout, { cause: error }) : error
  } finally {
    client.close()
  }
}
