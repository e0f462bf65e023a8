/** Headers of a request as the server's handlers take them. */
import type { IncomingMessage } from 'node:http'

/** Names in lower case; several values of one are joined. */
export function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}
