/** Checks of a NetworkPolicy. */
import { contains, parseCidr } from '../../../lib/ip.ts'
import { validateLabelSelector } from '../../common/selector-validation.ts'
import { check, checkCidr, checkPortNumber } from '../../common/validation.ts'
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../../generated/networking.k8s.io.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { forbidden, invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { isValidPortName } from '../../machinery/validate.ts'

const path = Path.of('spec')
const protocols = ['SCTP', 'TCP', 'UDP']
const policyTypes = ['Egress', 'Ingress']

export function validateNetworkPolicy({ spec = {} }: NetworkPolicy): FieldError[] {
  const { ingress = [], egress = [] } = spec
  return [
    ...validateLabelSelector(spec.podSelector, path.child('podSelector')),
    ...ingress.flatMap(({ ports, from }, i) => validateRule(ports, from, path.child('ingress').index(i), 'from')),
    ...egress.flatMap(({ ports, to }, i) => validateRule(ports, to, path.child('egress').index(i), 'to')),
    ...validatePolicyTypes(spec.policyTypes ?? []),
  ]
}

function validateRule(
  ports: readonly NetworkPolicyPort[] = [],
  peers: readonly NetworkPolicyPeer[] = [],
  at: Path,
  peersName: 'from' | 'to',
): FieldError[] {
  return [
    ...ports.flatMap((port, i) => validatePort(port, at.child('ports').index(i))),
    ...peers.flatMap((peer, i) => validatePeer(peer, at.child(peersName).index(i))),
  ]
}

function validatePolicyTypes(types: readonly string[]): FieldError[] {
  const at = path.child('policyTypes')
  if (types.length > policyTypes.length) return [invalid(at, types, 'may not specify more than two policyTypes')]
  return types.flatMap((type, i) => (policyTypes.includes(type) ? [] : [notSupported(at.index(i), type, policyTypes)]))
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, at: Path): FieldError[] {
  const errors: FieldError[] = []
  if (protocol !== undefined && !protocols.includes(protocol)) {
    errors.push(notSupported(at.child('protocol'), protocol, protocols))
  }
  const end = at.child('endPort')
  if (port === undefined) {
    if (endPort !== undefined) errors.push(invalid(end, endPort, 'may not be specified when `port` is not specified'))
    return errors
  }
  if (typeof port === 'string') {
    if (endPort !== undefined) errors.push(invalid(end, endPort, 'may not be specified when `port` is non-numeric'))
    return [...errors, ...check(at.child('port'), port, isValidPortName(port))]
  }
  errors.push(...checkPortNumber(at.child('port'), port))
  if (endPort === undefined) return errors
  if (endPort < port) errors.push(invalid(end, endPort, 'must be greater than or equal to `port`'))
  return [...errors, ...checkPortNumber(end, endPort)]
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, at: Path): FieldError[] {
  if (!podSelector && !namespaceSelector && !ipBlock) return [required(at, 'must specify a peer')]
  const errors = [
    ...validateLabelSelector(podSelector, at.child('podSelector')),
    ...validateLabelSelector(namespaceSelector, at.child('namespaceSelector')),
    ...(ipBlock ? validateBlock(ipBlock, at.child('ipBlock')) : []),
  ]
  if (ipBlock && (podSelector || namespaceSelector)) {
    errors.push(forbidden(at, 'may not specify both ipBlock and another peer'))
  }
  return errors
}

function validateBlock({ cidr, except = [] }: IPBlock, at: Path): FieldError[] {
  if (!cidr) return [required(at.child('cidr'))]
  const block = parseCidr(cidr)
  const errors = checkCidr(at.child('cidr'), cidr)
  if (!block) return errors
  except.forEach((text, i) => {
    const here = at.child('except').index(i)
    errors.push(...checkCidr(here, text))
    const inner = parseCidr(text)
    if (inner && (!contains(block, inner.ip) || block.prefix >= inner.prefix)) {
      errors.push(invalid(here, text, 'must be a strict subset of `cidr`'))
    }
  })
  return errors
}
