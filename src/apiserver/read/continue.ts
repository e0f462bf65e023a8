/** Continue tokens: opaque to clients, in the form Kubernetes uses. */
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

export function decodeContinue(token: string): ContinueToken {
  const decoded = parse(token)
  if (!decoded || decoded.v !== version) {
    throw badRequest('continue key is not valid: server does not recognize this encoded version')
  }
  const { rv, start } = decoded
  if (typeof rv !== 'number' || rv === 0 || !Number.isSafeInteger(rv) || typeof start !== 'string' || start === '') {
    throw badRequest('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)')
  }
  return { revision: rv, after: start.replace(/\0$/, '') }
}

function parse(token: string): { v?: unknown; rv?: unknown; start?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
