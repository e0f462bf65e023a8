/** One change of one object, and the watch lines made from it: each is encoded once, whoever asks first. */
import type { Entry } from './entry.ts'

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** What a watcher is told: the type and the object may differ per watcher, because of its selectors. */
export interface Notice {
  readonly type: EventType
  readonly entry: Entry
}

/** How a watch writes events. One value per distinct encoding; `id` names it among the lines an event keeps. */
export interface Flavour {
  readonly id: string
  /** One event as it goes out, with whatever frames it. */
  encode(notice: Notice): Buffer
}

export class CacheEvent {
  readonly revision: number
  /** undefined: the object was deleted. */
  readonly current: Entry | undefined
  /** undefined: the object was created. */
  readonly previous: Entry | undefined
  #gone: Entry | undefined
  readonly #lines = new Map<string, Buffer>()

  constructor(revision: number, current: Entry | undefined, previous: Entry | undefined) {
    this.revision = revision
    this.current = current
    this.previous = previous
  }

  /** Of the object after the change, or before it when there is none. */
  get bytes(): number {
    return (this.current ?? this.previous)?.bytes.length ?? 0
  }

  /** What a watcher with this filter sees of the change, if anything. */
  noticeFor(matches: (entry: Entry) => boolean): Notice | undefined {
    const is = this.current !== undefined && matches(this.current)
    const was = this.previous !== undefined && matches(this.previous)
    if (is && this.current) return { type: was ? 'MODIFIED' : 'ADDED', entry: this.current }
    if (was && this.previous) {
      this.#gone ??= this.previous.atRevision(this.revision)
      return { type: 'DELETED', entry: this.#gone }
    }
    return undefined
  }

  line(notice: Notice, flavour: Flavour): Buffer {
    const id = `${notice.type} ${flavour.id}`
    let line = this.#lines.get(id)
    if (!line) {
      line = flavour.encode(notice)
      this.#lines.set(id, line)
    }
    return line
  }
}

const lineStart: Readonly<Record<EventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
}
const lineEnd = Buffer.from('}\n')

/** Events as lines of JSON around an object's own JSON. */
export function jsonFlavour(id: string, object: (entry: Entry) => Buffer): Flavour {
  return { id, encode: ({ type, entry }) => Buffer.concat([lineStart[type], object(entry), lineEnd]) }
}

/** Objects as they are. */
export const plainFlavour = jsonFlavour('json', (entry) => entry.bytes)
