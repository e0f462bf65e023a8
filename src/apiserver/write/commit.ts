/** The one place where objects reach the store: the object, its claims and its conditions in one transaction. */
import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../../api/machinery/object.ts'
import type { Comparison, Operation } from '../../store/contract.ts'
import type { AllocationPlan } from '../allocation/allocator.ts'
import { Entry, encodeStored } from '../cache/entry.ts'
import type { ServerContext } from '../context.ts'
import { type ServedResource, storeKey } from '../registry.ts'

/** Somebody else wrote (or created, or deleted) the object since it was read. */
export class ObjectChanged extends Error {
  constructor() {
    super('the object changed since it was read')
    this.name = 'ObjectChanged'
  }
}

/** The bytes a client gets as the answer to a write. */
export interface Written {
  readonly bytes: Buffer
  readonly object: KubeObject
}

/** Writes `next` over `previous` (undefined: creates it). Throws ObjectChanged. */
export async function commitObject(
  context: ServerContext,
  resource: ServedResource,
  next: KubeObject,
  { previous, dryRun }: { previous: Entry | undefined; dryRun: boolean },
): Promise<Written> {
  const key = previous?.key ?? storeKey(resource, next.metadata.namespace ?? '', next.metadata.name)
  const allocator = context.allocators.get(resource.prefix)
  for (;;) {
    const plan: AllocationPlan = allocator
      ? await allocator.plan(next, previous?.object)
      : { object: next, claims: [], releases: [] }
    const value = encodeStored(resource, plan.object)
    if (dryRun) return dryRunResult(context, resource, { object: plan.object, previous })
    // A write that changes nothing is not a write: the version stays.
    if (previous && sameDocument(previous.stored(), value)) return { bytes: previous.bytes, object: previous.object }
    const result = await context.store.commit({
      compare: [
        { key, modRevision: previous?.revision ?? 0 },
        ...plan.claims.map((claim): Comparison => ({ key: claim.key, modRevision: 0 })),
      ],
      operations: [
        { type: 'put', key, value },
        ...plan.claims.map((claim): Operation => ({ type: 'put', ...claim })),
        ...plan.releases.map((released): Operation => ({ type: 'delete', key: released })),
      ],
    })
    if (result.succeeded) {
      const entry = Entry.fromStored(resource, key, result.revision, value)
      return { bytes: entry.bytes, object: plan.object }
    }
    await context.feed.reached(result.revision)
    if ((result.current.get(key)?.modRevision ?? 0) !== (previous?.revision ?? 0)) throw new ObjectChanged()
  }
}

/** Removes an object and frees its claims. Throws ObjectChanged. */
export async function commitDelete(
  context: ServerContext,
  resource: ServedResource,
  previous: Entry,
  { dryRun }: { dryRun: boolean },
): Promise<void> {
  if (dryRun) return
  const held = (await context.allocators.get(resource.prefix)?.releases(previous.object)) ?? []
  const result = await context.store.commit({
    compare: [{ key: previous.key, modRevision: previous.revision }],
    operations: [previous.key, ...held].map((key): Operation => ({ type: 'delete', key })),
  })
  if (result.succeeded) return
  await context.feed.reached(result.revision)
  throw new ObjectChanged()
}

/** The order of fields does not matter, and cannot change the length. */
function sameDocument(a: Buffer, b: Buffer): boolean {
  if (a.length !== b.length) return false
  return a.equals(b) || isDeepStrictEqual(JSON.parse(a.toString()), JSON.parse(b.toString()))
}

async function dryRunResult(
  context: ServerContext,
  resource: ServedResource,
  { object, previous }: { object: KubeObject; previous: Entry | undefined },
): Promise<Written> {
  const { apiVersion, definition } = resource
  if (!previous) {
    const cache = await context.feed.cache(resource)
    await context.feed.current()
    if (cache.get(object.metadata.namespace ?? '', object.metadata.name)) throw new ObjectChanged()
  }
  const metadata = { ...object.metadata, ...(previous && { resourceVersion: String(previous.revision) }) }
  const answer = { ...object, apiVersion, kind: definition.kind, metadata }
  return { bytes: Buffer.from(JSON.stringify(answer)), object: answer }
}
