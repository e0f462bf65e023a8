/** What all forms of port-forward share. */
import type { Duplex, Writable } from 'node:stream'

/** Joins two streams of a client, one for data and one for what went wrong, to a port of the pod. */
export type Forward = (port: number, streams: { readonly data: Duplex; readonly error: Writable }) => Promise<void>

/** Throws in the words of Go's strconv. */
export function parsePort(text: string): number {
  const quoted = JSON.stringify(text)
  const refused = (why: string) => new Error(`unable to parse ${quoted} as a port: strconv.ParseUint: ${why}`)
  if (!/^\d+$/.test(text)) throw refused(`parsing ${quoted}: invalid syntax`)
  const port = Number(text)
  if (port > 65535) throw refused(`parsing ${quoted}: value out of range`)
  if (port < 1) throw new Error(`port ${quoted} must be > 0`)
  return port
}
