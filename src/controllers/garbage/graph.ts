/**
 * Who owns whom among all objects, by uid: the garbage collector's picture of the cluster, kept up to date by events.
 * Pure; it knows no client.
 */
import type { KubeObject, OwnerReference } from '../../api/machinery/object.ts'
import type { Resource } from '../../client/contract.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

export interface GraphNode {
  readonly uid: string
  readonly resource: Resource<KubeObject>
  readonly namespace: string
  readonly name: string
  readonly owners: readonly OwnerReference[]
  readonly deleting: boolean
  readonly finalizers: readonly string[]
}

export class Graph {
  readonly #nodes = new Map<string, GraphNode>()
  /** Owner's uid → uids of objects that name it, whether or not the owner is known. */
  readonly #dependents = new Map<string, Set<string>>()

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  put(resource: Resource<KubeObject>, { metadata }: KubeObject): GraphNode {
    const uid = metadata.uid ?? ''
    this.#unlink(uid)
    const node: GraphNode = {
      uid,
      resource,
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      owners: metadata.ownerReferences ?? [],
      deleting: metadata.deletionTimestamp !== undefined,
      finalizers: metadata.finalizers ?? [],
    }
    this.#nodes.set(uid, node)
    for (const owner of node.owners) {
      const set = this.#dependents.get(owner.uid)
      if (set) set.add(uid)
      else this.#dependents.set(owner.uid, new Set([uid]))
    }
    return node
  }

  remove(uid: string): void {
    this.#unlink(uid)
    this.#nodes.delete(uid)
  }

  dependents(uid: string): GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? [])
  }

  /** Dependents that keep an owner in foreground deletion from going. */
  blockers(uid: string): GraphNode[] {
    return this.dependents(uid).filter((node) =>
      node.owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    )
  }

  #unlink(uid: string): void {
    for (const owner of this.#nodes.get(uid)?.owners ?? []) {
      const set = this.#dependents.get(owner.uid)
      set?.delete(uid)
      if (set?.size === 0) this.#dependents.delete(owner.uid)
    }
  }
}

export function isForeground(node: Pick<GraphNode, 'deleting' | 'finalizers'>): boolean {
  return node.deleting && node.finalizers.includes(foregroundFinalizer)
}

/** What is known of one owner an object names. `waiting`: it is there, and waits for its dependents to go. */
export type OwnerState = 'solid' | 'waiting' | 'absent' | 'unresolvable'

export interface Verdict {
  /** `detach`: drop these references, others keep the object. */
  readonly action: 'keep' | 'detach' | 'delete'
  readonly uids: readonly string[]
  readonly propagationPolicy: 'Background' | 'Foreground' | 'Orphan'
  /** Before it is deleted it stops blocking its owners: one of its dependents waits too, and may be their owner. */
  readonly unblocks: boolean
}

/** What becomes of an object whose owners are in these states. */
export function judge(
  node: GraphNode,
  states: ReadonlyMap<string, OwnerState>,
  dependents: readonly GraphNode[],
): Verdict {
  const inState = (state: OwnerState) => node.owners.map((o) => o.uid).filter((uid) => states.get(uid) === state)
  const keepers = [...inState('solid'), ...inState('unresolvable')]
  const leaving = [...inState('absent'), ...inState('waiting')]
  const verdict = { uids: [], propagationPolicy: ownPolicy(node), unblocks: false }
  if (node.owners.length === 0 || leaving.length === 0) return { ...verdict, action: 'keep' }
  if (keepers.length > 0) return { ...verdict, action: 'detach', uids: leaving }
  if (inState('waiting').length === 0 || dependents.length === 0) return { ...verdict, action: 'delete' }
  const unblocks = dependents.some(isForeground)
  return { ...verdict, action: 'delete', propagationPolicy: 'Foreground', unblocks }
}

/** Finalizers already on the object say how its own dependents are to be treated. */
function ownPolicy({ finalizers }: GraphNode): Verdict['propagationPolicy'] {
  if (finalizers.includes(orphanFinalizer)) return 'Orphan'
  return finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background'
}
