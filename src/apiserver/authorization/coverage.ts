/** Whether rules cover other rules, and how what they lack is told (upstream's rbac validation helpers). Pure. */
import type { PolicyRule } from '../../api/generated/rbac.authorization.k8s.io.v1.ts'
import { quotedList } from '../../api/machinery/go-types.ts'

/** Those of `wanted`, taken apart, that no rule of `held` covers. */
export function rulesNotCovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const lacking = wanted.flatMap(takenApart).filter((part) => !held.some((rule) => covers(rule, part)))
  return compact(lacking)
}

/** One rule per verb, group, resource and name. */
function takenApart({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule) {
  const parts: PolicyRule[] = []
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const part = { verbs: [verb], apiGroups: [group], resources: [resource] }
        if (resourceNames.length === 0) parts.push(part)
        for (const name of resourceNames) parts.push({ ...part, resourceNames: [name] })
      }
    }
  }
  for (const url of nonResourceURLs) for (const verb of verbs) parts.push({ verbs: [verb], nonResourceURLs: [url] })
  return parts
}

function covers(held: PolicyRule, part: PolicyRule): boolean {
  const names = held.resourceNames ?? []
  return (
    hasAll(held.verbs, part.verbs) &&
    hasAll(held.apiGroups, part.apiGroups) &&
    (part.resources ?? []).every((resource) => coversResource(held.resources ?? [], resource)) &&
    (part.nonResourceURLs ?? []).every((url) => coversUrl(held.nonResourceURLs ?? [], url)) &&
    (names.length === 0 || (part.resourceNames?.length ? hasNames(names, part.resourceNames) : false))
  )
}

function hasAll(held: readonly string[] = [], wanted: readonly string[] = []): boolean {
  return held.includes('*') || wanted.every((value) => held.includes(value))
}

function hasNames(held: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((name) => held.includes(name))
}

function coversResource(held: readonly string[], resource: string): boolean {
  if (held.includes('*') || held.includes(resource)) return true
  const slash = resource.indexOf('/')
  return slash >= 0 && held.includes(`*${resource.slice(slash)}`)
}

function coversUrl(held: readonly string[], url: string): boolean {
  return held.some(
    (own) => own === '*' || own === url || (own.endsWith('*') && url.startsWith(own.replace(/\*+$/, ''))),
  )
}

/** Parts about the same resource become one rule again. */
function compact(parts: readonly PolicyRule[]): PolicyRule[] {
  const rules = new Map<string, PolicyRule>()
  for (const part of parts) {
    const { verbs, ...target } = part
    const key = part.nonResourceURLs ? JSON.stringify(part) : JSON.stringify(target)
    const known = rules.get(key)
    rules.set(key, known ? { ...known, verbs: [...known.verbs, ...verbs] } : part)
  }
  return [...rules.values()]
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` */
export function ruleText({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const fields: [string, readonly string[] | undefined][] = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ]
  const parts = fields.flatMap(([name, values = []]) => (values.length > 0 ? [`${name}:${quotedList(values)}`] : []))
  return `{${parts.join(', ')}}`
}
