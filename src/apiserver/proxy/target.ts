/** What a request to a proxy subresource names: `…/services/http:web:80/proxy/index.html`. Pure. */

export interface ProxyTarget {
  readonly plural: 'pods' | 'services' | 'nodes'
  /** '' for nodes. */
  readonly namespace: string
  /** `name`, `name:port` or `scheme:name:port`, as in the path. */
  readonly id: string
  /** The path up to and with `/proxy`, as the client wrote it. */
  readonly prefix: string
  /** What the backend is asked for, as the client wrote it: '' or from the slash on. */
  readonly path: string
  /** With its question mark; '' when there is none. */
  readonly search: string
}

const proxyPaths = /^\/api\/v1\/(?:namespaces\/([^/]+)\/(pods|services)|(nodes))\/([^/]+)\/proxy(?=\/|$)/

/** undefined: not a proxy request. `target` is a path with its query. */
export function proxyTarget(target: string): ProxyTarget | undefined {
  const mark = target.indexOf('?')
  const whole = mark < 0 ? target : target.slice(0, mark)
  const found = proxyPaths.exec(whole)
  if (!found) return undefined
  const [prefix, namespace = '', plural = 'nodes', , id = ''] = found
  const decoded = [namespace, id].map(decode)
  if (decoded.some((part) => part === undefined || part.includes('/'))) return undefined
  return {
    plural: plural as ProxyTarget['plural'],
    namespace: decoded[0] ?? '',
    id: decoded[1] ?? '',
    prefix,
    path: whole.slice(prefix.length),
    search: mark < 0 ? '' : target.slice(mark),
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

export interface SchemeNamePort {
  readonly scheme: '' | 'http' | 'https'
  readonly name: string
  /** A number, a name, or ''. */
  readonly port: string
}

/** undefined: not of any of the three forms. */
export function splitSchemeNamePort(id: string): SchemeNamePort | undefined {
  const parts = id.split(':')
  const [scheme, name, port] =
    parts.length === 1 ? ['', id, ''] : parts.length === 2 ? ['', ...parts] : parts.length === 3 ? parts : []
  if (!name || port === undefined) return undefined
  if (scheme !== '' && scheme !== 'http' && scheme !== 'https') return undefined
  return { scheme, name, port }
}
