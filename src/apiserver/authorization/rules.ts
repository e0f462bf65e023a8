/** Whether a rule of a role allows a request (upstream's rbac.RuleAllows). Pure. */
import type { PolicyRule } from '../../api/generated/rbac.authorization.k8s.io.v1.ts'
import type { Attributes, PathAttributes, ResourceAttributes } from './attributes.ts'

const all = '*'

export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!matches(rule.verbs, attributes.verb)) return false
  return attributes.type === 'path' ? allowsPath(rule, attributes) : allowsResource(rule, attributes)
}

function allowsPath({ nonResourceURLs = [] }: PolicyRule, { path }: PathAttributes): boolean {
  return nonResourceURLs.some(
    (url) => url === all || url === path || (url.endsWith(all) && path.startsWith(url.replace(/\*+$/, ''))),
  )
}

function allowsResource(rule: PolicyRule, { group, resource, subresource, name }: ResourceAttributes): boolean {
  const { resourceNames = [] } = rule
  return (
    matches(rule.apiGroups, group) &&
    matchesResource(rule.resources, resource, subresource) &&
    (resourceNames.length === 0 || resourceNames.includes(name))
  )
}

function matches(values: readonly string[] | undefined, value: string): boolean {
  return values !== undefined && (values.includes(all) || values.includes(value))
}

function matchesResource(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (!subresource) return matches(resources, resource)
  return matches(resources, `${resource}/${subresource}`) || (resources?.includes(`*/${subresource}`) ?? false)
}
