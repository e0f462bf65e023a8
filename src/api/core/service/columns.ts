/** `kubectl get services`. */
import { ageColumn, formatLabels, nameColumn, none } from '../../common/columns.ts'
import type { Service, ServicePort } from '../../generated/v1.ts'
import type { Column } from '../../resource.ts'
import { serviceType, specOf } from './kind.ts'

function externalIP(service: Service): string {
  const spec = specOf(service)
  const externalIPs = spec.externalIPs ?? []
  switch (serviceType(service)) {
    case 'ClusterIP':
    case 'NodePort':
      return externalIPs.join(',') || none
    case 'LoadBalancer':
      return [...ingressAddresses(service), ...externalIPs].join(',') || '<pending>'
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return '<unknown>'
  }
}

function ingressAddresses(service: Service): string[] {
  const ingress = service.status?.loadBalancer?.ingress ?? []
  return [...new Set(ingress.map((entry) => entry.ip || entry.hostname || '').filter(Boolean))].sort()
}

function portText({ port, nodePort, protocol }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`
}

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  { name: 'Type', type: 'string', cell: serviceType },
  { name: 'Cluster-IP', type: 'string', cell: (service) => specOf(service).clusterIPs?.[0] ?? none },
  { name: 'External-IP', type: 'string', cell: externalIP },
  { name: 'Port(s)', type: 'string', cell: (service) => specOf(service).ports?.map(portText).join(',') || none },
  ageColumn,
  { name: 'Selector', type: 'string', priority: 1, cell: (service) => formatLabels(specOf(service).selector) },
]
