/** Checks of a Service: what stands in one object, without looking at the one before (see update.ts for that). */
import {
  check,
  checkCidr,
  checkIp,
  checkLabel,
  checkLabels,
  checkNonSpecialIp,
  checkPortNumber,
  checkPortNumberOrName,
  checkQualifiedName,
} from '../../common/validation.ts'
import type { Service, ServicePort, ServiceSpec, SessionAffinityConfig } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { duplicate, forbidden, invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { isDNS1123Subdomain } from '../../machinery/validate.ts'
import type { RequestContext } from '../../resource.ts'
import { validateClusterIPs } from './cluster-ips.ts'
import { initFamilies } from './families.ts'
import { externallyAccessible, isHeadless, needsHealthCheckNodePort, serviceType, specOf } from './kind.ts'

const serviceTypes = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
export const portProtocols = ['SCTP', 'TCP', 'UDP']
const sessionAffinities = ['ClientIP', 'None']
export const trafficPolicies = ['Cluster', 'Local']
const trafficDistributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone']
const maxAffinityTimeoutSeconds = 86400
const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const topologyHintsAnnotation = 'service.kubernetes.io/topology-aware-hints'
const topologyModeAnnotation = 'service.kubernetes.io/topology-mode'
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'"

const path = Path.of('spec')

/**
 * A Service whose addresses and families make no sense together is refused for that alone: upstream finds it out when it
 * allocates, which is before it validates.
 */
export function validateNewService(service: Service, { settings }: RequestContext): FieldError[] {
  const early = initFamilies({ ...service }, undefined, settings)
  return early.length > 0 ? early : validateService(service)
}

/** What holds for new and for changed Services. */
export function validateService(service: Service, old?: Service): FieldError[] {
  return [
    ...validateTopologyAnnotations(service),
    ...validateTypeRules(service),
    ...validatePorts(service),
    ...checkLabels(path.child('selector'), specOf(service).selector),
    ...validateAffinity(specOf(service)),
    ...validateClusterIPs(service),
    ...validateExternalIPs(specOf(service)),
    ...validateType(specOf(service)),
    ...validateNodePorts(service),
    ...validateDuplicatePorts(specOf(service)),
    ...validateSourceRanges(service, old),
    ...validateLoadBalancerFields(service),
    ...validateTrafficPolicies(service),
  ]
}

function validateTopologyAnnotations(service: Service): FieldError[] {
  const hints = service.metadata.annotations?.[topologyHintsAnnotation]
  const mode = service.metadata.annotations?.[topologyModeAnnotation]
  if (hints === undefined || mode === undefined || hints === mode) return []
  return [
    invalid(
      Path.of('metadata', 'annotations').key(topologyModeAnnotation),
      mode,
      `must match annotations[${topologyHintsAnnotation}] when both are specified`,
    ),
  ]
}

function validateTypeRules(service: Service): FieldError[] {
  const spec = specOf(service)
  const type = serviceType(service)
  const errors: FieldError[] = []
  if (!spec.ports?.length && !isHeadless(service) && type !== 'ExternalName') errors.push(required(path.child('ports')))
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(service)) {
    errors.push(invalid(path.child('clusterIPs').index(0), 'None', `may not be set to 'None' for ${type} services`))
  }
  if (type === 'ExternalName') errors.push(...validateExternalName(spec))
  return errors
}

function validateExternalName(spec: ServiceSpec): FieldError[] {
  const notSet = 'may not be set for ExternalName services'
  const errors: FieldError[] = []
  if (spec.clusterIPs?.length) errors.push(forbidden(path.child('clusterIPs'), notSet))
  if (spec.ipFamilies?.length) errors.push(forbidden(path.child('ipFamilies'), notSet))
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden(path.child('ipFamilyPolicy'), notSet))
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (name === '') errors.push(required(path.child('externalName')))
  else errors.push(...check(path.child('externalName'), name, isDNS1123Subdomain(name)))
  return errors
}

function validatePorts(service: Service): FieldError[] {
  const ports = specOf(service).ports ?? []
  const seen = new Set<string>()
  return ports.flatMap((port, i) => validatePort(port, path.child('ports').index(i), ports.length > 1, seen))
}

function validatePort(port: ServicePort, at: Path, nameRequired: boolean, seen: Set<string>): FieldError[] {
  const errors: FieldError[] = []
  if (port.name) {
    errors.push(...checkLabel(at.child('name'), port.name))
    if (seen.has(port.name)) errors.push(duplicate(at.child('name'), port.name))
    seen.add(port.name)
  } else if (nameRequired) {
    errors.push(required(at.child('name')))
  }
  errors.push(...checkPortNumber(at.child('port'), port.port), ...validateProtocol(at.child('protocol'), port.protocol))
  errors.push(...checkPortNumberOrName(at.child('targetPort'), port.targetPort))
  if (port.appProtocol !== undefined) errors.push(...checkQualifiedName(at.child('appProtocol'), port.appProtocol))
  return errors
}

export function validateProtocol(at: Path, protocol: string | undefined): FieldError[] {
  if (!protocol) return [required(at)]
  return portProtocols.includes(protocol) ? [] : [notSupported(at, protocol, portProtocols)]
}

function validateAffinity(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const affinity = spec.sessionAffinity
  if (!affinity) errors.push(required(path.child('sessionAffinity')))
  else if (!sessionAffinities.includes(affinity)) {
    errors.push(notSupported(path.child('sessionAffinity'), affinity, sessionAffinities))
  }
  const at = path.child('sessionAffinityConfig')
  if (affinity === 'ClientIP') errors.push(...validateAffinityConfig(spec.sessionAffinityConfig, at))
  else if (affinity === 'None' && spec.sessionAffinityConfig) {
    errors.push(forbidden(at, 'must not be set when session affinity is None'))
  }
  return errors
}

function validateAffinityConfig(config: SessionAffinityConfig | undefined, at: Path): FieldError[] {
  const why = 'when session affinity type is ClientIP'
  if (!config) return [required(at, why)]
  if (!config.clientIP) return [required(at.child('clientIP'), why)]
  const seconds = config.clientIP.timeoutSeconds
  const secondsPath = at.child('clientIP', 'timeoutSeconds')
  if (seconds === undefined) return [required(secondsPath, why)]
  return seconds <= 0 || seconds > maxAffinityTimeoutSeconds
    ? [invalid(secondsPath, seconds, `must be greater than 0 and less than ${maxAffinityTimeoutSeconds}`)]
    : []
}

function validateExternalIPs(spec: ServiceSpec): FieldError[] {
  return (spec.externalIPs ?? []).flatMap((ip, i) => {
    const at = path.child('externalIPs').index(i)
    const errors = checkIp(at, ip)
    return errors.length > 0 ? errors : checkNonSpecialIp(at, ip)
  })
}

function validateType({ type }: ServiceSpec): FieldError[] {
  if (!type) return [required(path.child('type'))]
  return serviceTypes.includes(type) ? [] : [notSupported(path.child('type'), type, serviceTypes)]
}

function validateNodePorts(service: Service): FieldError[] {
  const ports = specOf(service).ports ?? []
  const at = (i: number) => path.child('ports').index(i).child('nodePort')
  const errors: FieldError[] = []
  if (serviceType(service) === 'ClusterIP') {
    ports.forEach((port, i) => {
      if (port.nodePort) errors.push(forbidden(at(i), "may not be used when `type` is 'ClusterIP'"))
    })
  }
  const seen = new Set<string>()
  ports.forEach((port, i) => {
    if (!port.nodePort) return
    const key = `${port.protocol}/${port.nodePort}`
    if (seen.has(key)) errors.push(duplicate(at(i), port.nodePort))
    seen.add(key)
  })
  return errors
}

function validateDuplicatePorts(spec: ServiceSpec): FieldError[] {
  const seen = new Set<string>()
  return (spec.ports ?? []).flatMap((port, i) => {
    const key = `${port.protocol}/${port.port}`
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    // The value is rendered as upstream's internal type, of which only protocol and port are filled in here.
    const value = { Name: '', Protocol: port.protocol, AppProtocol: null, Port: port.port, TargetPort: 0, NodePort: 0 }
    return [duplicate(path.child('ports').index(i), value)]
  })
}

function validateSourceRanges(service: Service, old: Service | undefined): FieldError[] {
  const ranges = specOf(service).loadBalancerSourceRanges ?? []
  const annotation = service.metadata.annotations?.[sourceRangesAnnotation]
  const isLoadBalancer = serviceType(service) === 'LoadBalancer'
  if (ranges.length > 0) {
    // Upstream spells this path with a capital letter.
    const at = path.child('LoadBalancerSourceRanges')
    return [
      ...(isLoadBalancer ? [] : [forbidden(at, onlyLoadBalancer)]),
      ...ranges.flatMap((range, i) => checkCidr(at.index(i), range.trim())),
    ]
  }
  if (annotation === undefined) return []
  const at = Path.of('metadata', 'annotations').key(sourceRangesAnnotation)
  const unchanged = old?.metadata.annotations?.[sourceRangesAnnotation] === annotation
  const listed = unchanged || annotation.trim() === '' ? [] : annotation.split(',')
  return [
    ...(isLoadBalancer ? [] : [forbidden(at, onlyLoadBalancer)]),
    ...listed.flatMap((range) => checkCidr(at, range.trim())),
  ]
}

function validateLoadBalancerFields(service: Service): FieldError[] {
  const spec = specOf(service)
  const isLoadBalancer = serviceType(service) === 'LoadBalancer'
  const errors: FieldError[] = []
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isLoadBalancer) {
    errors.push(forbidden(path.child('allocateLoadBalancerNodePorts'), onlyLoadBalancer))
  }
  if (spec.allocateLoadBalancerNodePorts === undefined && isLoadBalancer) {
    errors.push(required(Path.of('allocateLoadBalancerNodePorts')))
  }
  if (spec.loadBalancerClass !== undefined) {
    const at = path.child('loadBalancerClass')
    errors.push(
      ...(isLoadBalancer ? checkQualifiedName(at, spec.loadBalancerClass) : [forbidden(at, onlyLoadBalancer)]),
    )
  }
  return errors
}

function validateTrafficPolicies(service: Service): FieldError[] {
  const spec = specOf(service)
  return [
    ...validateExternalTrafficPolicy(service),
    ...validateHealthCheckNodePort(service),
    ...oneOf('internalTrafficPolicy', spec.internalTrafficPolicy, trafficPolicies),
    ...oneOf('trafficDistribution', spec.trafficDistribution, trafficDistributions),
  ]
}

function oneOf(name: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(path.child(name), value, supported)]
}

function validateExternalTrafficPolicy(service: Service): FieldError[] {
  const policy = specOf(service).externalTrafficPolicy
  const at = path.child('externalTrafficPolicy')
  if (externallyAccessible(service)) {
    return policy ? oneOf('externalTrafficPolicy', policy, trafficPolicies) : [required(at)]
  }
  return policy ? [invalid(at, policy, 'may only be set for externally-accessible services')] : []
}

/** A missing port, or one that cannot be had, is found out by the server when it allocates. */
function validateHealthCheckNodePort(service: Service): FieldError[] {
  const port = specOf(service).healthCheckNodePort
  const at = path.child('healthCheckNodePort')
  if (!port || needsHealthCheckNodePort(service)) return []
  return [invalid(at, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")]
}
