/** The variables that tell a container about Services: `WEB_SERVICE_HOST` and its kin. */
import type { Service } from '../../generated/v1.ts'
import { clusterIPsOf, specOf } from './kind.ts'

/** The Service that every container learns of, whatever its namespace and `enableServiceLinks`. */
const master = { namespace: 'default', name: 'kubernetes' } as const

/** `links`: all Services of the pod's namespace (`enableServiceLinks: true`), or only `kubernetes`. */
export type ServiceLinks = 'all' | 'kubernetes'

/** Variables for a container of a pod in `namespace`, from the Services that exist when it starts. */
export function serviceEnvironment(
  services: Iterable<Service>,
  namespace: string,
  links: ServiceLinks = 'all',
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const service of visibleServices(services, namespace, links)) addVariables(environment, service)
  return environment
}

function visibleServices(services: Iterable<Service>, namespace: string, links: ServiceLinks): Iterable<Service> {
  const byName = new Map<string, Service>()
  for (const service of services) {
    const { name, namespace: own } = service.metadata
    if (clusterIPsOf(service).length === 0) continue
    if (own === master.namespace && name === master.name) {
      if (!byName.has(name)) byName.set(name, service)
    } else if (own === namespace && links === 'all') byName.set(name, service)
  }
  return byName.values()
}

function addVariables(environment: Record<string, string>, service: Service): void {
  const ports = specOf(service).ports ?? []
  const host = clusterIPsOf(service)[0] ?? ''
  const prefix = variableName(service.metadata.name)
  const first = ports[0]
  if (!first) return
  environment[`${prefix}_SERVICE_HOST`] = host
  environment[`${prefix}_SERVICE_PORT`] = String(first.port)
  for (const { name, port } of ports)
    if (name) environment[`${prefix}_SERVICE_PORT_${variableName(name)}`] = String(port)
  environment[`${prefix}_PORT`] = url(first.protocol, host, first.port)
  for (const { protocol = 'TCP', port } of ports) {
    const portPrefix = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
    environment[portPrefix] = url(protocol, host, port)
    environment[`${portPrefix}_PROTO`] = protocol.toLowerCase()
    environment[`${portPrefix}_PORT`] = String(port)
    environment[`${portPrefix}_ADDR`] = host
  }
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}

function url(protocol = 'TCP', host: string, port: number): string {
  return `${protocol.toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
