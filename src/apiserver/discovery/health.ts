/** /healthz, /livez and /readyz in the words of kube-apiserver. */
import type { ApiResponse } from '../../client/transport.ts'
import { text } from '../http/respond.ts'

/** Whether something holds now. */
export type Check = () => Promise<boolean>

/** All checks but those excluded; each is listed when that is asked for, or when one fails. */
export async function healthPage(
  page: string,
  checks: ReadonlyMap<string, Check>,
  query: URLSearchParams,
): Promise<ApiResponse> {
  const excluded = new Set(query.getAll('exclude'))
  const lines: string[] = []
  let healthy = true
  for (const [name, check] of checks) {
    if (excluded.delete(name)) {
      lines.push(`[+]${name} excluded: ok`)
      continue
    }
    const held = await holds(check)
    healthy &&= held
    lines.push(held ? `[+]${name} ok` : `[-]${name} failed: reason withheld`)
  }
  if (excluded.size > 0) {
    const names = [...excluded].sort().map((name) => JSON.stringify(name))
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names.join(',')}`)
  }
  if (!healthy) return text(500, [...lines, `${page} check failed\n`].join('\n'))
  return text(200, query.has('verbose') ? [...lines, `${page} check passed\n`].join('\n') : 'ok')
}

export async function checkPage(check: Check): Promise<ApiResponse> {
  return (await holds(check)) ? text(200, 'ok') : text(500, 'internal server error: it does not hold\n')
}

async function holds(check: Check): Promise<boolean> {
  try {
    return await check()
  } catch {
    return false
  }
}
