/** What a terminating namespace says it waits for. Pure. */
import type { KubeObject } from '../../api/machinery/object.ts'
import type { Resource } from '../../client/contract.ts'

export interface Remaining {
  readonly resource: Pick<Resource<KubeObject>, 'group' | 'plural'>
  readonly count: number
  /** One entry per object and finalizer. */
  readonly finalizers: readonly string[]
}

export function contentConditions(remaining: readonly Remaining[]) {
  const content = remaining
    .map(({ resource: { group, plural }, count }) => `${plural}.${group} has ${count} resource instances`)
    .sort()
    .join(', ')
  const perFinalizer = new Map<string, number>()
  for (const name of remaining.flatMap(({ finalizers }) => finalizers)) {
    perFinalizer.set(name, (perFinalizer.get(name) ?? 0) + 1)
  }
  const finalizers = [...perFinalizer].map(([name, count]) => `${name} in ${count} resource instances`).sort()
  const settled = (type: string, reason: string, message: string) => ({ type, status: 'False', reason, message })
  return [
    settled('NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'),
    settled(
      'NamespaceDeletionGroupVersionParsingFailure',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    settled(
      'NamespaceDeletionContentFailure',
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ),
    content
      ? {
          type: 'NamespaceContentRemaining',
          status: 'True',
          reason: 'SomeResourcesRemain',
          message: `Some resources are remaining: ${content}`,
        }
      : settled('NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed'),
    finalizers.length > 0
      ? {
          type: 'NamespaceFinalizersRemaining',
          status: 'True',
          reason: 'SomeFinalizersRemain',
          message: `Some content in the namespace has finalizers remaining: ${finalizers.join(', ')}`,
        }
      : settled('NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'),
  ]
}
