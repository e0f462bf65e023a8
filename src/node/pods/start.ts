/** From a container in a pod's spec to one the runtime can start: references fetched, volumes made, names expanded. */

import { serviceEnvironment } from '../../api/core/service/environment.ts'
import type { ConfigMap, Container, Pod, Secret, Service } from '../../api/generated/v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import { type KubeClient, type Resource, resources } from '../../client/index.ts'
import { run } from '../../lib/exec.ts'
import type { ContainerConfig, Runtime } from '../runtime/contract.ts'
import { ConfigError, containerEnvironment, type EnvironmentSources, expand } from './environment.ts'
import { type ClusterNames, podHostname } from './files.ts'
import { containerMounts, prepareVolumes, VolumeError } from './volumes.ts'

export interface StartPlace {
  readonly client: KubeClient
  readonly runtime: Runtime
  readonly services: readonly Service[]
  readonly names: ClusterNames
  readonly nodeIPs: readonly string[]
}

export interface StartRequest {
  readonly pod: Pod
  readonly podIPs: readonly string[]
  readonly container: Container
  readonly attempt: number
  readonly crashes: number
}

export async function startContainer(place: StartPlace, request: StartRequest): Promise<void> {
  const { runtime } = place
  const { pod, container } = request
  const sources = await fetchSources(place, request)
  const volumes = await prepareVolumes(sources, runtime).catch((error: unknown) => {
    if (error instanceof ConfigError) throw new VolumeError(error.message.split('"')[1] ?? '', error.message)
    throw error
  })
  const env = containerEnvironment(container, sources)
  const mounts = containerMounts(container, volumes, { pod, env })
  await runtime.startContainer(pod.metadata.uid ?? '', { ...containerConfig(request, env), mounts })
}

/** Pure part: everything but the mounts. */
function containerConfig(
  { pod, container, attempt, crashes }: StartRequest,
  env: Readonly<Record<string, string>>,
): Omit<ContainerConfig, 'mounts'> {
  const words = (list: readonly string[] | undefined) => list?.map((word) => expand(word, env))
  const [command, args] = [words(container.command), words(container.args)]
  const security = container.securityContext ?? {}
  const podSecurity = pod.spec?.securityContext ?? {}
  const uid = security.runAsUser ?? podSecurity.runAsUser ?? 0
  if (uid === 0 && (security.runAsNonRoot ?? podSecurity.runAsNonRoot)) {
    throw new ConfigError(`container has runAsNonRoot and image will run as root`)
  }
  const groups = [...(podSecurity.supplementalGroups ?? []), ...(podSecurity.fsGroup ? [podSecurity.fsGroup] : [])]
  return {
    name: container.name,
    attempt,
    crashes,
    image: container.image ?? '',
    ...(command && { command }),
    ...(args && { args }),
    ...(container.workingDir && { workingDir: container.workingDir }),
    env,
    privileged: security.privileged === true,
    capabilities: { add: security.capabilities?.add ?? [], drop: security.capabilities?.drop ?? [] },
    user: { uid, gid: security.runAsGroup ?? podSecurity.runAsGroup ?? 0, groups },
    readOnlyRoot: security.readOnlyRootFilesystem === true,
    noNewPrivileges: security.allowPrivilegeEscalation === false,
  }
}

/** ConfigMaps and Secrets are read when a container starts; nothing is watched for them. */
async function fetchSources(place: StartPlace, { pod, podIPs }: StartRequest): Promise<EnvironmentSources> {
  const namespace = pod.metadata.namespace ?? ''
  const names = referredNames(pod)
  const [configMaps, secrets] = await Promise.all([
    fetchAll<ConfigMap>(place.client, resources.configMaps, namespace, names.configMaps),
    fetchAll<Secret>(place.client, resources.secrets, namespace, names.secrets),
  ])
  const links = pod.spec?.enableServiceLinks === false ? 'kubernetes' : 'all'
  return {
    pod,
    podIPs,
    nodeIPs: place.nodeIPs,
    hostname: podHostname(pod, place.names),
    services: serviceEnvironment(place.services, namespace, links),
    configMap: (name) => configMaps.get(name),
    secret: (name) => secrets.get(name),
  }
}

async function fetchAll<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  namespace: string,
  names: ReadonlySet<string>,
): Promise<Map<string, T>> {
  const found = new Map<string, T>()
  const get = async (name: string) => {
    try {
      found.set(name, await client.get(resource, { namespace, name }))
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
  }
  await Promise.all([...names].map(get))
  return found
}

function referredNames({ spec }: Pod): { configMaps: Set<string>; secrets: Set<string> } {
  const configMaps = new Set<string | undefined>()
  const secrets = new Set<string | undefined>()
  for (const { configMap, secret, projected } of spec?.volumes ?? []) {
    configMaps.add(configMap?.name)
    secrets.add(secret?.secretName)
    for (const source of projected?.sources ?? []) {
      configMaps.add(source.configMap?.name)
      secrets.add(source.secret?.name)
    }
  }
  for (const { env = [], envFrom = [] } of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    for (const { valueFrom } of env) {
      configMaps.add(valueFrom?.configMapKeyRef?.name)
      secrets.add(valueFrom?.secretKeyRef?.name)
    }
    for (const { configMapRef, secretRef } of envFrom) {
      configMaps.add(configMapRef?.name)
      secrets.add(secretRef?.name)
    }
  }
  const named = (names: ReadonlySet<string | undefined>) =>
    new Set([...names].filter((n) => n !== undefined && n !== ''))
  return { configMaps: named(configMaps) as Set<string>, secrets: named(secrets) as Set<string> }
}

export interface ExecIn {
  readonly uid: string
  readonly container: string
  readonly command: readonly string[]
  readonly timeoutMs: number
}

/** A short command in a container, for probes and hooks. */
export async function execIn(
  runtime: Pick<Runtime, 'execCommand'>,
  { uid, container, command, timeoutMs }: ExecIn,
): Promise<{ code: number; output: string }> {
  const { file, args } = runtime.execCommand(uid, container, { command, tty: false })
  const { code, stdout, stderr } = await run(file, args, { timeoutMs })
  return { code, output: stdout + stderr }
}
