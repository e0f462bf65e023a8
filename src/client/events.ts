/** Records Events on objects; repeats of one event within its lifetime raise its count instead of adding objects. */
import type { Event, ObjectReference } from '../api/generated/v1.ts'
import type { KubeObject } from '../api/machinery/object.ts'
import { isReason } from '../api/machinery/status.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { type Logger, silentLogger } from '../lib/log.ts'
import type { KubeClient } from './contract.ts'
import { resources } from './resources.ts'

export interface EventRecorderOptions {
  readonly client: KubeClient
  /** Shown under FROM: `deployment-controller`, `kubelet`. */
  readonly component: string
  readonly host?: string
  readonly clock?: Clock
  readonly log?: Logger
}

const rememberedMax = 1000

export class EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #clock: Clock
  /** Events written, by what makes two the same; oldest first. */
  readonly #written = new Map<string, { namespace: string; name: string; count: number }>()
  #last: Promise<void> = Promise.resolve()

  constructor(options: EventRecorderOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Fire and forget: an Event that cannot be written is logged, never thrown. `fieldPath` as in `spec.containers{web}`. */
  event(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void {
    const involved = reference(object, fieldPath)
    this.#last = this.#last
      .then(() => this.#write(involved, type, reason, message))
      .catch((error: unknown) =>
        (this.#options.log ?? silentLogger).debug({ err: error, reason }, 'event not recorded'),
      )
  }

  /** Resolves when everything recorded so far is written. */
  flush(): Promise<void> {
    return this.#last
  }

  async #write(involved: ObjectReference, type: string, reason: string, message: string): Promise<void> {
    const same = JSON.stringify([
      involved.kind,
      involved.namespace,
      involved.name,
      involved.uid,
      involved.fieldPath,
      type,
      reason,
      message,
    ])
    const known = this.#written.get(same)
    const now = this.#clock
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
    if (known) {
      known.count++
      try {
        await this.#options.client.patch(
          resources.events,
          known,
          { count: known.count, lastTimestamp: now },
          { type: 'application/merge-patch+json' },
        )
        return
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error
      }
    }
    const created = await this.#create(involved, { type, reason, message, now })
    this.#written.set(same, {
      namespace: created.metadata.namespace ?? 'default',
      name: created.metadata.name,
      count: 1,
    })
    const oldest = this.#written.keys().next().value
    if (this.#written.size > rememberedMax && oldest !== undefined) this.#written.delete(oldest)
  }

  #create(
    involvedObject: ObjectReference,
    { type, reason, message, now }: { type: string; reason: string; message: string; now: string },
  ): Promise<Event> {
    const { component, host, client } = this.#options
    return client.create(resources.events, {
      metadata: { name: eventName(involvedObject.name ?? ''), namespace: involvedObject.namespace || 'default' },
      involvedObject,
      type,
      reason,
      message,
      source: { component, ...(host && { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    })
  }
}

let sequence = 0

/** `web.18a3…`: the object's name and a number that grows with time (client-go's form). */
function eventName(name: string): string {
  const nanoseconds = BigInt(Date.now()) * 1_000_000n + BigInt(sequence++ % 1_000_000)
  return `${name}.${nanoseconds.toString(16)}`
}

function reference({ apiVersion, kind, metadata }: KubeObject, fieldPath?: string): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata
  return {
    ...(apiVersion && { apiVersion }),
    ...(kind && { kind }),
    ...(namespace && { namespace }),
    name,
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
    ...(fieldPath && { fieldPath }),
  }
}
