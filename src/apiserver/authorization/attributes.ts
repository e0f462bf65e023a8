/** What is asked of authorization: who wants to do what with which resource, or which path. */
import { parseFieldSelector } from '../../api/machinery/field-selectors.ts'
import type { UserInfo } from '../handler.ts'
import type { ResourceRoute } from '../routing/route.ts'

export interface FieldEquality {
  readonly field: string
  readonly value: string
}

export interface ResourceAttributes {
  readonly type: 'resource'
  readonly user: UserInfo
  readonly verb: string
  /** '' is the core group. */
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  /** '' for cluster-scoped resources and for all namespaces. */
  readonly namespace: string
  /** '' for a collection. */
  readonly name: string
  /** What the request limits itself to, where it is about a collection: only the requirements of equality. */
  readonly selected: readonly FieldEquality[]
}

export interface PathAttributes {
  readonly type: 'path'
  readonly user: UserInfo
  /** The HTTP method in lower case. */
  readonly verb: string
  readonly path: string
}

export type Attributes = ResourceAttributes | PathAttributes

export interface RequestParts {
  readonly user: UserInfo
  readonly method: string
  /** The verb of a request about an object of this name ('' for a collection). */
  readonly verbOf: (name: string) => string
  readonly path: string
  readonly query: URLSearchParams
  /** undefined: nothing is served there. */
  readonly route: ResourceRoute | undefined
}

/** As upstream's RequestInfo: also of resources that are not served, so that their absence is no secret's end. */
export function attributesOf(parts: RequestParts): Attributes {
  const { user, method, path, query, route } = parts
  const target = route ? targetOfRoute(route) : targetOfPath(path)
  if (!target) return { type: 'path', user, verb: method.toLowerCase(), path }
  const verb = parts.verbOf(target.name)
  const ofCollection = target.name === ''
  const selected = ofCollection ? equalities(query.get('fieldSelector')) : none
  const named = ofCollection && (verb === 'list' || verb === 'watch') ? nameIn(selected) : target.name
  return { type: 'resource', user, verb, ...target, name: named, selected }
}

type Target = Omit<ResourceAttributes, 'type' | 'user' | 'verb' | 'selected'>

function targetOfRoute({ resource, namespace, name, subresource }: ResourceRoute): Target {
  const { group, version, plural } = resource.definition
  return {
    group,
    version,
    resource: plural,
    subresource,
    // A namespace is in itself.
    namespace: plural === 'namespaces' && group === '' ? name : namespace,
    name,
  }
}

function targetOfPath(path: string): Target | undefined {
  const [root = '', ...rest] = path.split('/').filter(Boolean)
  const [group = '', version = '', ...parts] = root === 'api' ? ['', ...rest] : root === 'apis' ? rest : []
  if (!version || parts.length === 0) return undefined
  const [first = '', second = '', third = ''] = parts
  const inNamespace = first === 'namespaces' && third !== '' && third !== 'status' && third !== 'finalize'
  const [resource = '', name = '', subresource = ''] = inNamespace ? parts.slice(2) : parts
  return { group, version, resource, subresource, namespace: first === 'namespaces' ? second : '', name }
}

const none: readonly FieldEquality[] = []

function equalities(selector: string | null): readonly FieldEquality[] {
  if (!selector) return none
  try {
    return parseFieldSelector(selector)
      .filter(({ operator }) => operator === '=')
      .map(({ field, value }) => ({ field, value }))
  } catch {
    // The handler says what is wrong with it; until then it limits nothing.
    return none
  }
}

function nameIn(selected: readonly FieldEquality[]): string {
  return selected.find(({ field }) => field === 'metadata.name')?.value ?? ''
}
