/** Cells of `kubectl get ingresses`. */
import type { Ingress } from '../../generated/networking.k8s.io.v1.ts'

const hostsMax = 3

/** The first hosts, and how many rules more there are. */
export function hostsText({ spec }: Ingress): string {
  const rules = spec?.rules ?? []
  const hosts: string[] = []
  let more = false
  for (const { host } of rules) {
    if (hosts.length === hostsMax) more = true
    if (!more && host) hosts.push(host)
  }
  if (hosts.length === 0) return '*'
  return more ? `${hosts.join(',')} + ${rules.length - hostsMax} more...` : hosts.join(',')
}

export function addressText({ status }: Ingress): string {
  const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || [])
  return [...new Set(addresses)].sort().join(',')
}

export function portsText({ spec }: Ingress): string {
  return spec?.tls?.length ? '80, 443' : '80'
}
