/**
 * `matchLabelKeys` and `mismatchLabelKeys` (KEP-3633, KEP-3243): "pods like this one" and "unlike this one" by the
 * values that the pod itself has. They are written into the selectors when the pod is made, so that every scheduler
 * sees selectors alone.
 */
import type { LabelSelector } from '../../generated/meta.v1.ts'
import type { Pod, PodAffinityTerm } from '../../generated/v1.ts'

interface Keys {
  readonly labelSelector?: LabelSelector
  readonly matchLabelKeys?: readonly string[]
  readonly mismatchLabelKeys?: readonly string[]
}

export function applyLabelKeys({ metadata: { labels = {} }, spec }: Pod): void {
  const selecting: readonly Keys[] = [
    ...(['podAffinity', 'podAntiAffinity'] as const).flatMap((side) => affinityTerms(spec?.affinity?.[side])),
    ...(spec?.topologySpreadConstraints ?? []),
  ]
  for (const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } of selecting) {
    if (!labelSelector) continue
    const add = (operator: 'In' | 'NotIn') => (key: string) => {
      const value = labels[key]
      if (value !== undefined) (labelSelector.matchExpressions ??= []).push({ key, operator, values: [value] })
    }
    matchLabelKeys.forEach(add('In'))
    mismatchLabelKeys.forEach(add('NotIn'))
  }
}

type Affinity = NonNullable<NonNullable<Pod['spec']>['affinity']>['podAffinity']

function affinityTerms(affinity: Affinity): PodAffinityTerm[] {
  const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...preferred.map(({ podAffinityTerm }) => podAffinityTerm),
  ]
}
