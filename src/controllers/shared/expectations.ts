/**
 * What a controller did and its cache has not shown yet. Until it has, the cache must not be counted, or pods would be
 * created twice. Expectations are by uid: what was created or deleted, not how many.
 */
import type { Clock } from '../../lib/clock.ts'

/** As upstream: an event that never comes blocks a controller this long at most. */
const expiryMs = 5 * 60_000

interface Expected {
  readonly created: Set<string>
  readonly deleted: Set<string>
  /** Seen while requests of this owner were on their way: the event may overtake the answer. */
  readonly seen: Set<string>
  inFlight: number
  since: number
}

export class Expectations {
  readonly #clock: Clock
  readonly #byOwner = new Map<string, Expected>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * 0 when the cache shows everything the owner's controller did; else the milliseconds after which it is to be
   * believed anyway. An event normally ends the wait.
   */
  waitMs(owner: string): number {
    const expected = this.#byOwner.get(owner)
    if (!expected) return 0
    const leftMs = expected.since + expiryMs - this.#clock.now().getTime()
    if (leftMs > 0) return leftMs
    this.#byOwner.delete(owner)
    return 0
  }

  /** Creates one object; its uid is expected from then on. */
  async creating<T extends { metadata: { uid?: string } }>(owner: string, request: () => Promise<T>): Promise<T> {
    const expected = this.#begin(owner)
    try {
      const created = await request()
      const { uid = '' } = created.metadata
      if (!expected.seen.has(uid)) expected.created.add(uid)
      return created
    } finally {
      this.#end(owner, expected)
    }
  }

  /** Deletes one object; nothing is expected when the request fails, as when it is already gone. */
  async deleting(owner: string, uid: string, request: () => Promise<void>): Promise<void> {
    const expected = this.#begin(owner)
    expected.deleted.add(uid)
    try {
      await request()
    } catch (error) {
      expected.deleted.delete(uid)
      throw error
    } finally {
      this.#end(owner, expected)
    }
  }

  observedCreation(owner: string, uid: string): void {
    const expected = this.#byOwner.get(owner)
    if (!expected) return
    if (!expected.created.delete(uid)) expected.seen.add(uid)
    this.#settle(owner, expected)
  }

  observedDeletion(owner: string, uid: string): void {
    const expected = this.#byOwner.get(owner)
    if (!expected) return
    expected.deleted.delete(uid)
    // Created and deleted while nobody watched: there will be no other event.
    expected.created.delete(uid)
    this.#settle(owner, expected)
  }

  forget(owner: string): void {
    this.#byOwner.delete(owner)
  }

  #begin(owner: string): Expected {
    let expected = this.#byOwner.get(owner)
    if (!expected) {
      expected = { created: new Set(), deleted: new Set(), seen: new Set(), inFlight: 0, since: 0 }
      this.#byOwner.set(owner, expected)
    }
    expected.since = this.#clock.now().getTime()
    expected.inFlight++
    return expected
  }

  #end(owner: string, expected: Expected): void {
    expected.inFlight--
    this.#settle(owner, expected)
  }

  #settle(owner: string, expected: Expected): void {
    if (expected.inFlight + expected.created.size + expected.deleted.size > 0) return
    if (this.#byOwner.get(owner) === expected) this.#byOwner.delete(owner)
  }
}
