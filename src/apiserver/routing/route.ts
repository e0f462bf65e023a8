/** From a URL path to what it names: a resource request, or something the fixed endpoints answer. */
import type { Registry, ServedResource } from '../registry.ts'

export interface ResourceRoute {
  readonly resource: ServedResource
  /** '' for cluster-scoped resources and for requests over all namespaces. */
  readonly namespace: string
  /** '' for a collection. */
  readonly name: string
  readonly subresource: string
}

export interface ParsedTarget {
  /** Without escapes: an escaped slash is one like any other, as in Go. */
  readonly path: string
  readonly query: URLSearchParams
  /** The path was of the deprecated form `/api/v1/watch/…`; the query says `watch` now. */
  readonly watchOnly: boolean
}

const noQuery = new URLSearchParams()

export function parseTarget(target: string): ParsedTarget {
  const mark = target.indexOf('?')
  const path = unescaped(mark < 0 ? target : target.slice(0, mark))
  const query = mark < 0 ? noQuery : new URLSearchParams(target.slice(mark + 1))
  const watchPath = watchPaths.exec(path)
  if (!watchPath) return { path, query, watchOnly: false }
  const watching = new URLSearchParams(query)
  watching.set('watch', 'true')
  return { path: `${watchPath[1]}/${watchPath[2]}`, query: watching, watchOnly: true }
}

const watchPaths = /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)\/watch\/(.+)$/

/** One object is read, whatever `watch` says; only the deprecated path watches it. */
export function queryOf({ query, watchOnly }: ParsedTarget, route: ResourceRoute | undefined): URLSearchParams {
  if (watchOnly || !route?.name || !query.has('watch')) return query
  const rest = new URLSearchParams(query)
  rest.delete('watch')
  return rest
}

/** undefined: no such path under /api or /apis. */
export function routeResource(registry: Registry, path: string): ResourceRoute | undefined {
  const parts = segments(path)
  if (!parts) return undefined
  const [root, ...rest] = parts
  if (root === 'api') return routeGroupVersion(registry, '', rest)
  if (root === 'apis') return routeGroupVersion(registry, rest[0] ?? '', rest.slice(1))
  return undefined
}

function segments(path: string): string[] | undefined {
  const parts = path.split('/').slice(1)
  if (parts.at(-1) === '') parts.pop()
  return parts.includes('') ? undefined : parts
}

const escape = /%[\da-fA-F]{2}/g

/** Whether a path is one: Go's servers answer others with 400 before anybody looks at them. */
export function isWellEscaped(path: string): boolean {
  return !path.includes('%') || !path.replace(escape, '').includes('%')
}

/** What is no UTF-8 reads as U+FFFD; what is not well escaped stays as it is. */
function unescaped(path: string): string {
  if (!path.includes('%') || !isWellEscaped(path)) return path
  try {
    return decodeURIComponent(path)
  } catch {
    const bytes = path.replace(escape, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)))
    return Buffer.from(bytes, 'latin1').toString()
  }
}

function routeGroupVersion(registry: Registry, group: string, rest: string[]): ResourceRoute | undefined {
  const [version, ...parts] = rest
  if (!version || parts.length === 0) return undefined
  const [first = '', second = '', third = ''] = parts
  // `namespaces/NAME` and its own subresources are the Namespace itself; anything else under it is in that namespace.
  const inNamespace = first === 'namespaces' && third !== '' && third !== 'status' && third !== 'finalize'
  const [plural = '', name = '', subresource = '', ...extra] = inNamespace ? parts.slice(2) : parts
  // A Binding names its pod in its body.
  if (group === '' && plural === 'bindings' && inNamespace && name === '') {
    const pods = registry.find(group, version, 'pods')
    return pods && { resource: pods, namespace: second, name: '', subresource: 'binding' }
  }
  // No namespace is called so, and every store would take it for something else.
  if (inNamespace && (second === '.' || second === '..')) return undefined
  const resource = registry.find(group, version, plural)
  if (!resource || extra.length > 0) return undefined
  const { namespaced } = resource.definition
  if (inNamespace !== namespaced && (inNamespace || name !== '')) return undefined
  return { resource, namespace: inNamespace ? second : '', name, subresource }
}
