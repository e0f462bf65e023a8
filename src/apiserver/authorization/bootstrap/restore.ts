/** What a role or binding of the start lacks, added to what it has become. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type { ClusterRole, ClusterRoleBinding } from '../../../api/generated/rbac.authorization.k8s.io.v1.ts'
import type { KubeObject } from '../../../api/machinery/object.ts'
import { rulesNotCovered } from '../coverage.ts'

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate'

/** undefined: nothing is to be written. */
export function restoreRole(found: ClusterRole, wanted: ClusterRole): ClusterRole | undefined {
  if (!isOurs(found)) return undefined
  const metadata = restoredMetadata(found, wanted)
  // Aggregated rules are the aggregation controller's.
  const lost = wanted.aggregationRule ? [] : rulesNotCovered(found.rules ?? [], wanted.rules ?? [])
  const aggregationRule = found.aggregationRule ?? wanted.aggregationRule
  const next: ClusterRole = {
    ...found,
    metadata,
    ...(lost.length > 0 && { rules: [...(found.rules ?? []), ...lost] }),
    ...(aggregationRule && { aggregationRule }),
  }
  return isDeepStrictEqual(next, found) ? undefined : next
}

/** A binding whose role was changed is another one by now: bindings cannot change it, so it was made anew. */
export function restoreBinding(found: ClusterRoleBinding, wanted: ClusterRoleBinding): ClusterRoleBinding | undefined {
  if (!isOurs(found)) return undefined
  const before = found.roleRef.name === wanted.roleRef.name ? (found.subjects ?? []) : []
  const lost = (wanted.subjects ?? []).filter((subject) => !before.some((other) => isDeepStrictEqual(other, subject)))
  const subjects = [...before, ...lost]
  const next: ClusterRoleBinding = {
    ...found,
    metadata: restoredMetadata(found, wanted),
    roleRef: wanted.roleRef,
    ...(subjects.length > 0 && { subjects }),
  }
  return isDeepStrictEqual(next, found) ? undefined : next
}

function isOurs({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[autoUpdate] === 'true'
}

function restoredMetadata(found: KubeObject, wanted: KubeObject): KubeObject['metadata'] {
  const { labels, annotations } = found.metadata
  return {
    ...found.metadata,
    labels: { ...wanted.metadata.labels, ...labels },
    annotations: { ...wanted.metadata.annotations, ...annotations },
  }
}
