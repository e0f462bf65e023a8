/** History that is no longer in memory, read from the store at the pace of the watch that wants it. */
import { type Change, type Store, StoreError, type Watch } from '../../store/contract.ts'
import { Entry } from '../cache/entry.ts'
import { CacheEvent } from '../cache/event.ts'
import type { ServedResource } from '../registry.ts'

/** The reading pauses while this much has not been read by the client. */
const unreadBytesMax = 1024 * 1024

export interface ReplayTarget {
  event(event: CacheEvent): void
  unreadBytes(): number
  /** Calls `resume` once when everything has been read. */
  whenRead(resume: () => void): void
  /** All changes up to `revision` have been told. True: the rest comes from elsewhere, the replay is over. */
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
  let reached = revision
  const stop = () => {
    over = true
    watching?.close()
  }
  const arrived = (at: number) => {
    reached = at
    if (over) return
    if (target.reached(reached)) return stop()
    if (target.unreadBytes() <= unreadBytesMax) return
    watching?.close()
    target.whenRead(() => {
      if (!over) open()
    })
  }
  const open = () => {
    try {
      watching = store.watch(
        { prefix: resource.prefix, fromRevision: reached + 1 },
        {
          changes(changes) {
            for (const change of changes) target.event(eventOf(resource, change))
            const last = changes.at(-1)
            if (last) arrived(last.revision)
          },
          caughtUp: arrived,
          ended: (error) => target.failed(error),
        },
      )
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      target.failed(error)
    }
  }
  open()
  return stop
}

function eventOf(resource: ServedResource, change: Change): CacheEvent {
  const { previous } = change
  const current =
    change.type === 'put' ? Entry.fromStored(resource, change.kv.key, change.revision, change.kv.value) : undefined
  const before = previous && Entry.fromStored(resource, previous.key, previous.modRevision, previous.value)
  return new CacheEvent(change.revision, current, before)
}
