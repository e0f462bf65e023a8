/** Continue tokens: opaque to clients, in the form Kubernetes uses. */
import { jsonSyntaxError } from '../../api/machinery/json-text.ts'
import { badRequest } from '../../api/machinery/status.ts'

export interface ContinueToken {
  /** All pages show this revision; -1: the client chose to go on at the present one. */
  readonly revision: number
  /** Key, relative to the resource's prefix, of the last object already returned. */
  readonly after: string
}

const version = 'meta.k8s.io/v1'

export function encodeContinue({ revision, after }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start: `${after}\0` })).toString('base64url')
}

/** Throws 400 in upstream's words. */
export function decodeContinue(token: string): ContinueToken {
  const { v, rv, start } = parse(token)
  if (v !== version)
    throw notValid(`: server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`)
  if (typeof rv !== 'number' || rv === 0 || !Number.isSafeInteger(rv)) {
    throw notValid(': incorrect encoded start resourceVersion (version meta.k8s.io/v1)')
  }
  if (typeof start !== 'string' || start === '') {
    throw notValid(': encoded start key empty (version meta.k8s.io/v1)')
  }
  // No token may lead out of the resource's own keys.
  if (start.split('/').some((part, i) => part === '..' || part === '.' || (part === '' && i > 0))) {
    throw notValid(`: ${start}`)
  }
  return { revision: rv, after: start.replace(/\0$/, '') }
}

function notValid(why: string) {
  return badRequest(`invalid continue token: continue key is not valid${why}`)
}

function parse(token: string): { v?: unknown; rv?: unknown; start?: unknown } {
  const bad = token.search(/[^A-Za-z0-9_-]/)
  if (bad >= 0) throw notValid(`: illegal base64 data at input byte ${bad}`)
  const text = Buffer.from(token, 'base64url').toString()
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    throw notValid(`: ${jsonSyntaxError(text) ?? 'unexpected end of JSON input'}`)
  }
}
