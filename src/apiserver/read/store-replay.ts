/** History that is no longer in memory, read from the store at the pace of the watch that wants it. */
import { type Change, type Store, StoreError, type Watch } from '../../store/contract.ts'
import { Entry } from '../cache/entry.ts'
import { CacheEvent } from '../cache/event.ts'
import type { ServedResource } from '../registry.ts'

export interface ReplayTarget {
  event(event: CacheEvent): void
  /** All changes up to `revision` have been told. True: the rest comes from elsewhere, or later; the replay is over. */
  reached(revision: number): boolean
  failed(error: StoreError): void
}

/** Replays what happened after `revision`; returns what stops it. */
export function replayStore(
  store: Store,
  resource: ServedResource,
  revision: number,
  target: ReplayTarget,
): () => void {
  let watching: Watch | undefined
  let over = false
  let told = revision
  const stop = () => {
    over = true
    watching?.close()
  }
  const arrived = (reached: number) => {
    told = reached
    if (!over && target.reached(reached)) stop()
  }
  const handlers = {
    changes(changes: readonly Change[]) {
      for (const change of changes) {
        // Between the changes of one transaction there is nowhere to go on from.
        if (change.revision > told) arrived(told)
        if (over) return
        target.event(eventOf(resource, change))
        told = change.revision
      }
    },
    caughtUp: arrived,
    ended: (error: StoreError) => target.failed(error),
  }
  try {
    watching = store.watch({ prefix: resource.prefix, fromRevision: revision + 1 }, handlers)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    target.failed(error)
  }
  return stop
}

function eventOf(resource: ServedResource, change: Change): CacheEvent {
  const { previous } = change
  const current =
    change.type === 'put' ? Entry.fromStored(resource, change.kv.key, change.revision, change.kv.value) : undefined
  const before = previous && Entry.fromStored(resource, previous.key, previous.modRevision, previous.value)
  return new CacheEvent(change.revision, current, before)
}
