/** The names of kube-proxy's chains. Other programs and people look for them: they are contract. */
import { createHash } from 'node:crypto'
import { type Backend, backendAddress, type PortPlan } from '../../plan/types.ts'

type Named = Pick<PortPlan, 'id' | 'protocol'>

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The first 16 characters of the base32 of SHA-256 (RFC 4648 6): its first 10 bytes. */
function hash(...parts: string[]): string {
  const digest = createHash('sha256').update(parts.join('')).digest()
  const bits = BigInt(`0x${digest.toString('hex', 0, 10)}`)
  return Array.from({ length: 16 }, (_, i) => alphabet[Number((bits >> BigInt(75 - 5 * i)) & 31n)]).join('')
}

export interface PortChains {
  /** Balances over all endpoints. */
  readonly cluster: string
  /** Balances over this node's endpoints. */
  readonly local: string
  /** Traffic from outside. */
  readonly external: string
  /** loadBalancerSourceRanges. */
  readonly firewall: string
}

export function portChains({ id, protocol }: Named): PortChains {
  const h = hash(id, protocol)
  return {
    cluster: `KUBE-SVC-${h}`,
    local: `KUBE-SVL-${h}`,
    external: `KUBE-EXT-${h}`,
    firewall: `KUBE-FW-${h}`,
  }
}

export function endpointChain({ id, protocol }: Named, backend: Pick<Backend, 'ip' | 'port'>): string {
  return `KUBE-SEP-${hash(id, protocol, backendAddress(backend))}`
}

/** Chains that belong to one Service port, in table nat. */
export const ownChainPattern = /^KUBE-(SVC|SVL|EXT|FW|SEP)-/

/** Chains the proxy keeps in each table besides those of single ports. */
export const sharedChains = {
  filter: [
    'KUBE-EXTERNAL-SERVICES',
    'KUBE-FORWARD',
    'KUBE-NODEPORTS',
    'KUBE-PROXY-CANARY',
    'KUBE-PROXY-FIREWALL',
    'KUBE-SERVICES',
  ],
  nat: ['KUBE-MARK-MASQ', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-PROXY-CANARY', 'KUBE-SERVICES'],
  mangle: ['KUBE-PROXY-CANARY'],
} as const
