/** Names that are made of addresses, and back. Pure. */
import { isIP } from 'node:net'
import { canonical } from '../../lib/ip.ts'

/** The address a full reverse name stands for (RFC 1035 3.5, RFC 3596 2.5). */
export function addressOfReverse(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa.')) {
    const octets = name.slice(0, -'.in-addr.arpa.'.length).split('.')
    return octets.length === 4 ? canonical(octets.reverse().join('.')) : undefined
  }
  if (!name.endsWith('.ip6.arpa.')) return undefined
  const nibbles = name.slice(0, -'.ip6.arpa.'.length).split('.')
  if (nibbles.length !== 32 || nibbles.some((nibble) => nibble.length !== 1)) return undefined
  return canonical(
    nibbles
      .reverse()
      .join('')
      .replace(/.{4}(?=.)/g, '$&:'),
  )
}

/** `10-244-0-54`, `fd00--1`: the label of an endpoint without a hostname. */
export function dashed(address: string): string {
  const label = address.replace(/[.:]/g, '-')
  return label.endsWith('-') ? `${label}0` : label
}

/** The address in a pod's name (`10-244-0-54.demo.pod`). */
export function undashed(label: string): string | undefined {
  const four = label.split('-').length === 4 && !label.includes('--')
  const address = label.replaceAll('-', four ? '.' : ':')
  return isIP(address) ? canonical(address) : undefined
}

/** The longest of `zones` that `name` is in. All in lower case with a final dot. */
export function zoneOf(zones: readonly string[], name: string): string | undefined {
  let best: string | undefined
  for (const zone of zones) if (isWithin(name, zone) && zone.length > (best?.length ?? 0)) best = zone
  return best
}

export function isWithin(name: string, zone: string): boolean {
  return zone === '.' || name === zone || (name.endsWith(zone) && name[name.length - zone.length - 1] === '.')
}
