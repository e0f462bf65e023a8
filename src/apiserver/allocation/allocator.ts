/**
 * What an object may claim besides its own key: addresses, ports. A claim is a key of its own in the store (that of an
 * object of another kind, for addresses), written in the object's transaction on the condition that it does not exist;
 * so no two objects ever hold one claim, a failed write claims nothing, and deleting the object frees what it held.
 */
import type { KubeObject } from '../../api/machinery/object.ts'

export interface Claim {
  readonly key: string
  /** Says who holds it. */
  readonly value: Buffer
}

export interface AllocationPlan {
  /** The object with everything filled in; the one given is left as it was. */
  readonly object: KubeObject
  readonly claims: readonly Claim[]
  /** Keys of claims to give back. */
  readonly releases: readonly string[]
}

export interface Allocator {
  /**
   * For a write of `next`, which need not be valid, over `old` (undefined: created). Picks free values as far as known and throws StatusError
   * when the object asks for what it cannot have. If the transaction then loses a claim to somebody else, the write
   * is planned again with newer knowledge.
   */
  plan(next: KubeObject, old: KubeObject | undefined): Promise<AllocationPlan>
  /** Keys of all claims an object holds, to be freed with it. */
  releases(object: KubeObject): Promise<readonly string[]>
}
