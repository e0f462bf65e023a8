/** Checks of an Ingress. */
import { parseIp } from '../../../lib/ip.ts'
import { check, checkIp, checkLabel, checkPortNumber, checkSubdomain } from '../../common/validation.ts'
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  IngressServiceBackend,
  IngressTLS,
} from '../../generated/networking.k8s.io.v1.ts'
import type { TypedLocalObjectReference } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { isDNS1123Subdomain, isValidPortName, isWildcardDNS1123Subdomain } from '../../machinery/validate.ts'
import { isPathSegment } from '../validation.ts'

/** The class of an Ingress before there was a field for it. */
export const classAnnotation = 'kubernetes.io/ingress.class'

const path = Path.of('spec')
const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix']
const badSequences = ['//', '/./', '/../', '%2f', '%2F']
const badEnds = ['/..', '/.']
const notAnAddress = 'must be a DNS name, not an IP address'

export function validateIngress(ingress: Ingress): FieldError[] {
  const annotated = ingress.metadata.annotations?.[classAnnotation]
  const named = ingress.spec?.ingressClassName
  const errors = validateIngressSpec(ingress)
  if (annotated === undefined || named === undefined || annotated === named) return errors
  const at = Path.of('annotations', classAnnotation)
  return [...errors, invalid(at, annotated, 'must match `ingressClassName` when both are specified')]
}

export function validateIngressSpec({ spec = {} }: Ingress): FieldError[] {
  const { defaultBackend, rules = [], tls = [], ingressClassName } = spec
  const errors: FieldError[] = []
  if (rules.length === 0 && !defaultBackend) {
    errors.push(invalid(path, spec.rules, 'either `defaultBackend` or `rules` must be specified'))
  }
  if (defaultBackend) errors.push(...validateBackend(defaultBackend, path.child('defaultBackend')))
  errors.push(...rules.flatMap((rule, i) => validateRule(rule, path.child('rules').index(i))))
  errors.push(...tls.flatMap((entry, i) => validateTls(entry, path.child('tls').index(i))))
  if (ingressClassName !== undefined) errors.push(...checkSubdomain(path.child('ingressClassName'), ingressClassName))
  return errors
}

function validateRule({ host = '', http }: IngressRule, at: Path): FieldError[] {
  const errors: FieldError[] = []
  if (host) {
    if (parseIp(host)) errors.push(invalid(at.child('host'), host, notAnAddress))
    errors.push(...checkHost(at.child('host'), host))
  }
  if (!http) return errors
  const paths = http.paths ?? []
  if (paths.length === 0) errors.push(required(at.child('http', 'paths')))
  return [...errors, ...paths.flatMap((one, i) => validatePath(one, at.child('http', 'paths').index(i)))]
}

function checkHost(at: Path, host: string): FieldError[] {
  return check(at, host, host.includes('*') ? isWildcardDNS1123Subdomain(host) : isDNS1123Subdomain(host))
}

function validatePath({ path: url = '', pathType, backend }: HTTPIngressPath, at: Path): FieldError[] {
  const here = at.child('path')
  if (!pathType) return [required(at.child('pathType'), 'pathType must be specified')]
  const errors: FieldError[] = []
  if (!pathTypes.includes(pathType)) errors.push(notSupported(at.child('pathType'), pathType, pathTypes))
  else if (pathType === 'ImplementationSpecific') {
    if (url && !url.startsWith('/')) errors.push(invalid(here, url, 'must be an absolute path'))
  } else {
    if (!url.startsWith('/')) errors.push(invalid(here, url, 'must be an absolute path'))
    for (const bad of badSequences) if (url.includes(bad)) errors.push(invalid(here, url, `must not contain '${bad}'`))
    for (const bad of badEnds) if (url.endsWith(bad)) errors.push(invalid(here, url, `cannot end with '${bad}'`))
  }
  return [...errors, ...validateBackend(backend ?? {}, at.child('backend'))]
}

function validateBackend({ resource, service }: IngressBackend, at: Path): FieldError[] {
  if (resource && service) return [invalid(at, '', 'cannot set both resource and service backends')]
  if (resource) return validateReference(resource, at.child('resource'))
  if (service) return validateService(service, at)
  return [invalid(at, '', 'resource or service backend is required')]
}

function validateService({ name, port = {} }: IngressServiceBackend, at: Path): FieldError[] {
  const service = at.child('service')
  const errors = name ? checkLabel(service.child('name'), name) : [required(service.child('name'))]
  if (port.name && port.number) return [...errors, invalid(at, '', 'cannot set both port name & port number')]
  if (port.name) return [...errors, ...check(service.child('port', 'name'), port.name, isValidPortName(port.name))]
  if (port.number) return [...errors, ...checkPortNumber(service.child('port', 'number'), port.number)]
  return [...errors, required(at, 'port name or number is required')]
}

function validateReference({ apiGroup, kind, name }: TypedLocalObjectReference, at: Path): FieldError[] {
  const segment = (field: string, value: string) =>
    value ? check(at.child(field), value, isPathSegment(value)) : [required(at.child(field))]
  return [
    ...(apiGroup === undefined ? [] : checkSubdomain(at.child('apiGroup'), apiGroup)),
    ...segment('kind', kind),
    ...segment('name', name),
  ]
}

function validateTls({ hosts = [], secretName }: IngressTLS, at: Path): FieldError[] {
  return [
    ...hosts.flatMap((host, i) => checkHost(at.child('hosts').index(i), host)),
    ...(secretName ? checkSubdomain(at.child('secretName'), secretName) : []),
  ]
}

export function validateIngressStatus({ status }: Ingress): FieldError[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const at = Path.of('status', 'loadBalancer', 'ingress').index(i)
    const errors = ip ? checkIp(at.child('ip'), ip) : []
    if (!hostname) return errors
    errors.push(...checkSubdomain(at.child('hostname'), hostname))
    if (parseIp(hostname)) errors.push(invalid(at.child('hostname'), hostname, notAnAddress))
    return errors
  })
}
