/** Checks of the containers of a pod. */
import { check, checkDescendingPath, checkLabel, checkPortNumber } from '../../common/validation.ts'
import type { Container, ContainerPort, PodSpec, Volume, VolumeMount } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { duplicate, forbidden, invalid, notFound, notSupported, required } from '../../machinery/field.ts'
import { isValidPortName } from '../../machinery/validate.ts'
import { portProtocols } from '../service/validation.ts'
import { isSidecar } from './containers.ts'
import { validateEnv, validateEnvFrom } from './env-validation.ts'
import { validateLifecycle, validateProbes } from './handler-validation.ts'
import { validateResources } from './resources-validation.ts'
import { validateRestartPolicy } from './restart-validation.ts'
import { validateContainerSecurity } from './security-validation.ts'

const pullPolicies = ['Always', 'IfNotPresent', 'Never']
const messagePolicies = ['FallbackToLogsOnError', 'File']
const recursions = ['Disabled', 'Enabled', 'IfPossible']
const mountPropagations = ['Bidirectional', 'HostToContainer', 'None']

export function validateContainers(spec: PodSpec, path: Path): FieldError[] {
  const containers = spec.containers ?? []
  const at = path.child('containers')
  if (containers.length === 0) return [required(at)]
  const seen = new Set<string>()
  const errors = containers.flatMap((container, i) => {
    const own = validateCommon(container, spec, at.index(i))
    if (seen.has(container.name)) own.push(duplicate(at.index(i).child('name'), container.name))
    seen.add(container.name)
    own.push(...validateHandlers(container, at.index(i), spec))
    return [...own, ...validateRestartPolicy(container, at.index(i))]
  })
  return [...errors, ...validateHostPorts(containers, at)]
}

export function validateInitContainers(spec: PodSpec, path: Path): FieldError[] {
  const at = path.child('initContainers')
  const seen = new Set((spec.containers ?? []).map((container) => container.name))
  return (spec.initContainers ?? []).flatMap((container, i) => {
    const here = at.index(i)
    const errors = [...validateCommon(container, spec, here), ...validateRestartPolicy(container, here)]
    if (seen.has(container.name)) errors.push(duplicate(here.child('name'), container.name))
    else if (container.name) seen.add(container.name)
    errors.push(...validateHostPorts([container], at))
    if (isSidecar(container)) return [...errors, ...validateHandlers(container, here, spec)]
    for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (!container[name]) continue
      errors.push(forbidden(here.child(name), 'may not be set for init containers without restartPolicy=Always'))
    }
    return errors
  })
}

function validateHandlers(container: Container, path: Path, spec: PodSpec): FieldError[] {
  const grace = spec.terminationGracePeriodSeconds
  return [
    ...validateLifecycle(container.lifecycle, path.child('lifecycle'), grace),
    ...validateProbes(container, path, grace),
  ]
}

/** What holds for every kind of container. */
export function validateCommon(container: Container, spec: PodSpec, path: Path): FieldError[] {
  const name = path.child('name')
  return [
    ...(container.name ? checkLabel(name, container.name) : [required(name)]),
    ...validateImage(container.image, path.child('image')),
    ...oneOf(path.child('terminationMessagePolicy'), container.terminationMessagePolicy, messagePolicies),
    ...validatePorts(container.ports, path.child('ports')),
    ...validateEnv(container.env, path.child('env')),
    ...validateEnvFrom(container.envFrom, path.child('envFrom')),
    ...validateVolumeMounts(container, spec.volumes ?? [], path.child('volumeMounts')),
    ...oneOf(path.child('imagePullPolicy'), container.imagePullPolicy, pullPolicies),
    ...validateResources(container.resources, path.child('resources')),
    ...validateContainerSecurity(container.securityContext, spec, path.child('securityContext')),
  ]
}

function oneOf(path: Path, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [required(path)]
  return supported.includes(value) ? [] : [notSupported(path, value, supported)]
}

function validateImage(image: string | undefined, path: Path): FieldError[] {
  if (!image) return [required(path)]
  return image.trim() === image ? [] : [invalid(path, image, 'must not have leading or trailing whitespace')]
}

function validatePorts(ports: readonly ContainerPort[] | undefined, path: Path): FieldError[] {
  const seen = new Set<string>()
  return (ports ?? []).flatMap((port, i) => {
    const at = path.index(i)
    const errors: FieldError[] = []
    if (port.name) {
      const messages = isValidPortName(port.name)
      errors.push(...check(at.child('name'), port.name, messages))
      if (messages.length === 0 && seen.has(port.name)) errors.push(duplicate(at.child('name'), port.name))
      seen.add(port.name)
    }
    if (!port.containerPort) errors.push(required(at.child('containerPort')))
    else errors.push(...checkPortNumber(at.child('containerPort'), port.containerPort))
    if (port.hostPort) errors.push(...checkPortNumber(at.child('hostPort'), port.hostPort))
    errors.push(...oneOf(at.child('protocol'), port.protocol, portProtocols))
    return errors
  })
}

/** Two containers cannot have one port of the node. */
function validateHostPorts(containers: readonly Container[], path: Path): FieldError[] {
  const seen = new Set<string>()
  return containers.flatMap((container, c) =>
    (container.ports ?? []).flatMap((port, p) => {
      if (!port.hostPort) return []
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`
      if (seen.has(key)) return [duplicate(path.index(c).child('ports').index(p).child('hostPort'), key)]
      seen.add(key)
      return []
    }),
  )
}

function validateVolumeMounts(container: Container, volumes: readonly Volume[], path: Path): FieldError[] {
  const paths = new Set<string>()
  return (container.volumeMounts ?? []).flatMap((mount, i) => {
    const at = path.index(i)
    const errors: FieldError[] = []
    if (!mount.name) errors.push(required(at.child('name')))
    if (!volumes.some((volume) => volume.name === mount.name)) errors.push(notFound(at.child('name'), mount.name ?? ''))
    if (!mount.mountPath) errors.push(required(at.child('mountPath')))
    if (paths.has(mount.mountPath)) errors.push(invalid(at.child('mountPath'), mount.mountPath, 'must be unique'))
    paths.add(mount.mountPath)
    return [
      ...errors,
      ...validateSubPaths(mount, at, path),
      ...validatePropagation(mount, container, path),
      ...validateRecursion(mount, path),
    ]
  })
}

function validateSubPaths(mount: VolumeMount, at: Path, path: Path): FieldError[] {
  const errors: FieldError[] = []
  if (mount.subPath) errors.push(...checkDescendingPath(mount.subPath, path.child('subPath')))
  if (mount.subPathExpr) {
    if (mount.subPath) {
      const why = 'subPathExpr and subPath are mutually exclusive'
      errors.push(invalid(at.child('subPathExpr'), mount.subPathExpr, why))
    }
    errors.push(...checkDescendingPath(mount.subPathExpr, path.child('subPathExpr')))
  }
  return errors
}

function validatePropagation(mount: VolumeMount, container: Container, path: Path): FieldError[] {
  const value = mount.mountPropagation
  const at = path.child('mountPropagation')
  if (value === undefined) return []
  if (!mountPropagations.includes(value)) return [notSupported(at, value, mountPropagations)]
  return value === 'Bidirectional' && !container.securityContext?.privileged
    ? [forbidden(at, 'Bidirectional mount propagation is available only to privileged containers')]
    : []
}

function validateRecursion({ recursiveReadOnly, readOnly, mountPropagation = 'None' }: VolumeMount, path: Path) {
  const at = path.child('recursiveReadOnly')
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return []
  if (!recursions.includes(recursiveReadOnly)) return [notSupported(at, recursiveReadOnly, recursions)]
  const errors: FieldError[] = []
  if (!readOnly) errors.push(forbidden(at, 'may only be specified when readOnly is true'))
  if (mountPropagation !== 'None') {
    errors.push(forbidden(at, 'may only be specified when mountPropagation is None or not specified'))
  }
  return errors
}
