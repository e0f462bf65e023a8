/** Who a StatefulSet's pod is: its ordinal, and the name, labels and host name that follow from it. */
import type { StatefulSet } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { revisionLabel } from '../shared/revisions.ts'

const nameLabel = 'statefulset.kubernetes.io/pod-name'
const indexLabel = 'apps.kubernetes.io/pod-index'

/** The pod's ordinal in the set; undefined when its name is not one the set gives. */
export function ordinalOf(set: StatefulSet, { metadata: { name } }: Pod): number | undefined {
  const dash = name.lastIndexOf('-')
  const digits = name.slice(dash + 1)
  if (name.slice(0, dash) !== set.metadata.name || !/^(0|[1-9]\d{0,9})$/.test(digits)) return undefined
  return Number(digits)
}

export function podNameOf(set: StatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`
}

/** Names of the set's revisions are what its pods are labelled with. */
export function podRevision({ metadata }: Pod): string | undefined {
  return metadata.labels?.[revisionLabel]
}

/** Labels that a pod of this ordinal must have whatever its template says. */
export function identityLabels(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [nameLabel]: podNameOf(set, ordinal), [indexLabel]: String(ordinal) }
}

export function identityMatches(set: StatefulSet, pod: Pod, ordinal: number): boolean {
  return Object.entries(identityLabels(set, ordinal)).every(([key, value]) => pod.metadata.labels?.[key] === value)
}
