/**
 * Defaults of a pod spec, for pods and for the templates of workloads alike (k8s.io/kubernetes/pkg/apis/core/v1). They
 * run on every decode, so they do nothing twice.
 */
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  HTTPGetAction,
  LifecycleHandler,
  Pod,
  PodSpec,
  Probe,
  Volume,
} from '../../generated/v1.ts'
import { allContainers } from './containers.ts'

const defaultFileMode = 0o644
const defaultTokenSeconds = 3600

export function setPodDefaults(pod: Pod): void {
  const spec = (pod.spec ??= { containers: [] })
  for (const container of allContainers(spec)) defaultRequests(container)
  spec.enableServiceLinks ??= true
  setPodSpecDefaults(spec)
  if (spec.hostNetwork) defaultHostPorts(spec)
}

export function setPodSpecDefaults(spec: PodSpec): void {
  spec.restartPolicy ||= 'Always'
  spec.terminationGracePeriodSeconds ??= 30
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.securityContext ??= {}
  spec.schedulerName ||= 'default-scheduler'
  syncServiceAccount(spec)
  for (const container of allContainers(spec)) defaultContainer(container)
  spec.volumes?.forEach(defaultVolume)
  for (const constraint of spec.topologySpreadConstraints ?? []) {
    constraint.nodeAffinityPolicy ??= 'Honor'
    constraint.nodeTaintsPolicy ??= 'Ignore'
  }
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are shown. */
function syncServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount
  if (!name) return
  spec.serviceAccountName = name
  spec.serviceAccount = name
}

/** On the node's network a container's port is the node's port. */
function defaultHostPorts(spec: PodSpec): void {
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    for (const port of container.ports ?? []) port.hostPort ||= port.containerPort
  }
}

/** A limit without a request is its own request. */
function defaultRequests(container: Container | EphemeralContainer): void {
  const { limits } = container.resources ?? {}
  if (!container.resources || !limits) return
  for (const [name, quantity] of Object.entries(limits)) {
    const requests = (container.resources.requests ??= {})
    requests[name] ??= quantity
  }
}

function defaultContainer(container: Container | EphemeralContainer): void {
  container.resources ??= {}
  container.imagePullPolicy ||= pullPolicyFor(container.image ?? '')
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.ports?.forEach(defaultContainerPort)
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1'
    if (valueFrom?.resourceFieldRef) valueFrom.resourceFieldRef.divisor ??= '0'
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) defaultProbe(probe)
  }
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) defaultHandler(handler)
  if (container.securityContext && container.securityContext.procMount === '')
    delete container.securityContext.procMount
}

/** Without a tag, or with `:latest`, the image may be another one tomorrow. */
export function pullPolicyFor(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent'
  const name = image.slice(image.lastIndexOf('/') + 1)
  const colon = name.indexOf(':')
  return colon < 0 || name.slice(colon + 1) === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaultContainerPort(port: ContainerPort): void {
  port.protocol ||= 'TCP'
  if (port.hostPort === 0) delete port.hostPort
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  if (probe.initialDelaySeconds === 0) delete probe.initialDelaySeconds
  if (probe.grpc) probe.grpc.service ??= ''
  if (probe.httpGet) defaultHttpGet(probe.httpGet)
}

function defaultHandler(handler: LifecycleHandler | undefined): void {
  if (handler?.httpGet) defaultHttpGet(handler.httpGet)
}

function defaultHttpGet(action: HTTPGetAction): void {
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

/** Sources of a volume; a volume without any is an emptyDir. */
export function volumeSources(volume: Volume): string[] {
  return Object.keys(volume).filter((key) => key !== 'name' && volume[key as keyof Volume] != null)
}

function defaultVolume(volume: Volume): void {
  if (volumeSources(volume).length === 0) volume.emptyDir = {}
  for (const source of [volume.configMap, volume.secret, volume.downwardAPI, volume.projected]) {
    if (source) source.defaultMode ??= defaultFileMode
  }
  if (volume.hostPath) volume.hostPath.type ??= ''
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec
  if (claim) claim.volumeMode ??= 'Filesystem'
  for (const item of volume.downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ||= 'v1'
  for (const projection of volume.projected?.sources ?? []) {
    if (projection.serviceAccountToken) projection.serviceAccountToken.expirationSeconds ??= defaultTokenSeconds
    for (const item of projection.downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ||= 'v1'
  }
}
