/** The rules of a ClusterRole that is made of others (KEP-502). Pure. */
import { sameValue } from '../common/strategy.ts'
import type { ClusterRole, PolicyRule } from '../generated/rbac.authorization.k8s.io.v1.ts'
import { labelSelectorMatcher } from '../machinery/selectors.ts'

/** Those of all roles that its selectors name, but itself, in order of names, each once. */
export function aggregatedRules(
  { metadata, aggregationRule }: ClusterRole,
  roles: readonly ClusterRole[],
): PolicyRule[] {
  const others = roles
    .filter((role) => role.metadata.name !== metadata.name)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const rules: PolicyRule[] = []
  for (const selector of aggregationRule?.clusterRoleSelectors ?? []) {
    const matches = labelSelectorMatcher(selector)
    for (const rule of others
      .filter((role) => matches(role.metadata.labels ?? {}))
      .flatMap((role) => role.rules ?? [])) {
      if (!rules.some((known) => sameValue(known, rule))) rules.push(rule)
    }
  }
  return rules
}
