/** Checks of a pod spec, alike for pods and for the templates of workloads. */
import {
  check,
  checkIp,
  checkLabel,
  checkLabels,
  checkQualifiedName,
  checkSubdomain,
  maxInt32,
} from '../../common/validation.ts'
import type { HostAlias, PodSpec, TopologySpreadConstraint } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { duplicate, invalid, notSupported, required } from '../../machinery/field.ts'
import { inclusiveRange, isDNS1123Subdomain } from '../../machinery/validate.ts'
import { validateAffinity } from './affinity-validation.ts'
import { validateContainers, validateInitContainers } from './container-validation.ts'
import { validateDns } from './dns-validation.ts'
import { validatePodSecurity } from './security-validation.ts'
import { validateTolerations } from './tolerations-validation.ts'
import { validateVolumes } from './volume-validation.ts'

const restartPolicies = ['Always', 'Never', 'OnFailure']

/** `owner`: a pod must say everything; a template may leave to the pod what is defaulted there. */
export function validatePodSpec(spec: PodSpec, path: Path, owner: 'pod' | 'template'): FieldError[] {
  return [
    ...validateVolumes(spec.volumes, path.child('volumes')),
    ...validateContainers(spec, path),
    ...validateInitContainers(spec, path),
    ...validateHostNetworkPorts(spec, path, owner),
    ...oneOf(path.child('restartPolicy'), spec.restartPolicy, restartPolicies),
    ...validateDns(spec, path),
    ...checkLabels(path.child('nodeSelector'), spec.nodeSelector),
    ...validatePodSecurity(spec, path),
    ...validateAffinity(spec.affinity, path.child('affinity')),
    ...validateGates(spec, path),
    ...(spec.topologySpreadConstraints ?? []).flatMap((constraint, i) =>
      validateSpread(constraint, path.child('topologySpreadConstraints').index(i)),
    ),
    ...validateNames(spec, path),
    ...validateDeadlines(spec, path),
    ...validateTolerations(spec.tolerations, path.child('tolerations')),
    ...validateHostAliases(spec.hostAliases, path.child('hostAliases')),
  ]
}

function oneOf(path: Path, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [required(path)]
  return supported.includes(value) ? [] : [notSupported(path, value, supported)]
}

function validateHostNetworkPorts(spec: PodSpec, path: Path, owner: 'pod' | 'template'): FieldError[] {
  if (!spec.hostNetwork) return []
  return (spec.containers ?? []).flatMap((container, c) =>
    (container.ports ?? []).flatMap((port, p) => {
      const hostPort = port.hostPort ?? 0
      if ((owner === 'template' && hostPort === 0) || hostPort === port.containerPort) return []
      const at = path.child('containers').index(c).child('ports').index(p).child('hostPort')
      return [invalid(at, hostPort, 'must match `containerPort` when `hostNetwork` is true')]
    }),
  )
}

function validateGates(spec: PodSpec, path: Path): FieldError[] {
  const errors = (spec.readinessGates ?? []).flatMap((gate, i) =>
    checkQualifiedName(path.child('readinessGates').index(i).child('conditionType'), gate.conditionType),
  )
  const seen = new Set<string>()
  spec.schedulingGates?.forEach(({ name }, i) => {
    const at = path.child('schedulingGates').index(i)
    errors.push(...checkQualifiedName(at, name))
    if (seen.has(name)) errors.push(duplicate(at, name))
    seen.add(name)
  })
  return errors
}

function validateSpread(constraint: TopologySpreadConstraint, path: Path): FieldError[] {
  const { maxSkew, topologyKey, whenUnsatisfiable } = constraint
  const actions = ['DoNotSchedule', 'ScheduleAnyway']
  return [
    ...(maxSkew > 0 ? [] : [invalid(path.child('maxSkew'), maxSkew, 'must be greater than zero')]),
    ...(topologyKey ? [] : [required(path.child('topologyKey'), 'can not be empty')]),
    ...(actions.includes(whenUnsatisfiable)
      ? []
      : [notSupported(path.child('whenUnsatisfiable'), whenUnsatisfiable, actions)]),
  ]
}

/** Fields that name other objects, and the pod itself in DNS. */
function validateNames(spec: PodSpec, path: Path): FieldError[] {
  const errors: FieldError[] = []
  for (const name of ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName'] as const) {
    const value = spec[name]
    if (value) errors.push(...check(path.child(name), value, isDNS1123Subdomain(value)))
  }
  for (const name of ['hostname', 'subdomain'] as const) {
    const value = spec[name]
    if (value) errors.push(...checkLabel(path.child(name), value))
  }
  const policies = ['Never', 'PreemptLowerPriority']
  const preemption = spec.preemptionPolicy
  if (preemption !== undefined && !policies.includes(preemption)) {
    errors.push(notSupported(path.child('preemptionPolicy'), preemption, policies))
  }
  return errors
}

function validateDeadlines(spec: PodSpec, path: Path): FieldError[] {
  const deadline = spec.activeDeadlineSeconds
  if (deadline === undefined || (deadline >= 1 && deadline <= maxInt32)) return []
  return [invalid(path.child('activeDeadlineSeconds'), deadline, inclusiveRange(1, maxInt32))]
}

function validateHostAliases(aliases: readonly HostAlias[] | undefined, path: Path): FieldError[] {
  return (aliases ?? []).flatMap((alias, i) => [
    ...checkIp(path.index(i).child('ip'), alias.ip),
    ...(alias.hostnames ?? []).flatMap((name, j) => checkSubdomain(path.index(i).child('hostnames').index(j), name)),
  ])
}
