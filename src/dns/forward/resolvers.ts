/** The resolvers a `forward` line means: addresses as they are, files as their nameserver lines (resolv.conf(5)). */
import { readFileSync } from 'node:fs'
import { parseIp } from '../../lib/ip.ts'
import type { Destination } from '../corefile/index.ts'
import type { Upstream } from './exchange.ts'

const dnsPort = 53

/** A file that cannot be read or names nobody gives none: cluster names are answered all the same. */
export function resolversOf(to: readonly Destination[]): Upstream[] {
  return to.flatMap((destination) => {
    if (destination.type === 'address') return [{ host: destination.host, port: destination.port }]
    return nameservers(readOrEmpty(destination.path))
  })
}

export function nameservers(text: string): Upstream[] {
  return text.split('\n').flatMap((line) => {
    const [keyword, address] = line.trim().split(/\s+/)
    return keyword === 'nameserver' && address && parseIp(address) ? [{ host: address, port: dnsPort }] : []
  })
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
