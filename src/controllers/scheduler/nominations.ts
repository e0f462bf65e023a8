/**
 * Which node each pending pod waits for, while pods end there for it. A nomination is known here before
 * `status.nominatedNodeName` says it, so that nobody else takes the place meanwhile.
 */
import type { Pod } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import type { CacheChange } from '../../client/contract.ts'

export class Nominations {
  readonly #byKey = new Map<string, { readonly pod: Pod; readonly node: string }>()

  set(pod: Pod, node: string): void {
    this.#byKey.set(objectKey(pod), { pod, node })
  }

  /** False: there was none. */
  delete(key: string): boolean {
    return this.#byKey.delete(key)
  }

  nodeOf(key: string): string | undefined {
    return this.#byKey.get(key)?.node
  }

  on(node: string): Pod[] {
    return [...this.#byKey.values()].filter((one) => one.node === node).map(({ pod }) => pod)
  }

  /**
   * Follows what the API says: nominations of former runs and of others, and pods that no longer wait. True: a place is
   * not kept any more, and its pod, if there still is one, needs another.
   */
  follow(change: CacheChange<Pod>, pending: boolean): boolean {
    const { object } = change
    const key = objectKey(object)
    const node = object.status?.nominatedNodeName
    const withdrawn = change.type === 'updated' && Boolean(change.old.status?.nominatedNodeName) && !node
    if (!pending || withdrawn) return this.delete(key) || withdrawn
    if (node) this.set(object, node)
    return false
  }
}
