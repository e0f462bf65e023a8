/** What a delete does to an object: pure decisions of upstream's BeforeDelete and its garbage-collection finalizers. */
import type { KubeObject, ObjectMeta } from '../../api/machinery/object.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import type { DeleteOptions } from './delete-options.ts'
import { namespaceFinalizers } from './namespaces.ts'

const orphan = 'orphan'
const foreground = 'foregroundDeletion'

export type Deletion =
  /** Nothing holds the object: it goes now. */
  | { readonly type: 'remove' }
  /** It is on its way out already and this request changes nothing. */
  | { readonly type: 'none' }
  /** It stays, marked as being deleted, until its owner process or its finalizers are done. */
  | { readonly type: 'mark'; readonly object: KubeObject }

/** `old` is not changed. */
export function decideDeletion(
  definition: ResourceDefinition,
  old: KubeObject,
  options: DeleteOptions,
  now: Date,
): Deletion {
  const grace = gracePeriod(definition, old, options)
  const finalizers = finalizersAfter(old.metadata, definition, options)
  const next = markedObject(definition, old, { grace, finalizers, now })
  const held = grace > 0 || finalizers.length > 0 || namespaceFinalizers(old).length > 0
  if (!held) return { type: 'remove' }
  return isSameMark(old.metadata, next.metadata) ? { type: 'none' } : { type: 'mark', object: next }
}

function gracePeriod(definition: ResourceDefinition, old: KubeObject, options: DeleteOptions): number {
  const usual = definition.gracePeriodSeconds?.(old)
  // Nobody is there to be waited for (a pod without a node, or one that has ended), whatever the client asks.
  if (usual === undefined) return 0
  const asked = options.gracePeriodSeconds ?? usual
  const wanted = asked < 0 ? 1 : asked
  const { deletionTimestamp, deletionGracePeriodSeconds } = old.metadata
  if (!deletionTimestamp) return wanted
  // A second delete may hurry the end, never put it off.
  return Math.min(options.gracePeriodSeconds === undefined ? Infinity : wanted, deletionGracePeriodSeconds ?? 0)
}

function finalizersAfter(metadata: ObjectMeta, definition: ResourceDefinition, options: DeleteOptions): string[] {
  const before = metadata.finalizers ?? []
  const others = before.filter((finalizer) => finalizer !== orphan && finalizer !== foreground)
  switch (policyOf(before, definition, options)) {
    case 'Orphan':
      return [...others, orphan]
    case 'Foreground':
      return [...others, foreground]
    case 'Background':
      return others
  }
}

function policyOf(
  finalizers: readonly string[],
  definition: ResourceDefinition,
  { propagationPolicy, orphanDependents }: DeleteOptions,
): 'Orphan' | 'Foreground' | 'Background' {
  if (orphanDependents !== undefined) return orphanDependents ? 'Orphan' : 'Background'
  if (propagationPolicy) return propagationPolicy
  if (finalizers.includes(orphan)) return 'Orphan'
  if (finalizers.includes(foreground)) return 'Foreground'
  return definition.defaultDeletion ?? 'Background'
}

function markedObject(
  definition: ResourceDefinition,
  old: KubeObject,
  { grace, finalizers, now }: { grace: number; finalizers: string[]; now: Date },
): KubeObject {
  const { metadata } = old
  const next: KubeObject = { ...old, metadata: { ...metadata } }
  if (finalizers.length > 0) next.metadata.finalizers = finalizers
  else delete next.metadata.finalizers
  if (!metadata.deletionTimestamp) {
    next.metadata.deletionTimestamp = formatTime(new Date(now.getTime() + grace * 1000))
    next.metadata.deletionGracePeriodSeconds = grace
    if (metadata.generation) next.metadata.generation = metadata.generation + 1
  } else if (grace < (metadata.deletionGracePeriodSeconds ?? 0)) {
    const began = Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000
    next.metadata.deletionTimestamp = formatTime(new Date(began + grace * 1000))
    next.metadata.deletionGracePeriodSeconds = grace
  }
  if (definition.plural === 'namespaces' && definition.group === '') markTerminating(next)
  return next
}

function markTerminating(namespace: KubeObject & { status?: object }): void {
  namespace.status = { ...namespace.status, phase: 'Terminating' }
  delete namespace.metadata.deletionGracePeriodSeconds
}

function isSameMark(old: ObjectMeta, next: ObjectMeta): boolean {
  return (
    old.deletionTimestamp === next.deletionTimestamp &&
    old.deletionGracePeriodSeconds === next.deletionGracePeriodSeconds &&
    (old.finalizers ?? []).join() === (next.finalizers ?? []).join()
  )
}
