/** From a container in a pod's spec to one the runtime can start: references fetched, volumes made, names expanded. */

import { serviceEnvironment } from '../../api/core/service/environment.ts'
import type { ConfigMap, Container, Pod, Secret, Service } from '../../api/generated/v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { quantityValue } from '../../api/machinery/quantity.ts'
import { isReason } from '../../api/machinery/status.ts'
import { type KubeClient, type Resource, resources } from '../../client/index.ts'
import { run } from '../../lib/exec.ts'
import type { ContainerConfig, Runtime } from '../runtime/contract.ts'
import { readEnvFile } from './env-files.ts'
import { containerEnvironment, type EnvironmentSources, expand } from './environment.ts'
import { type ClusterNames, podHostname } from './files.ts'
import { containerLimits, oomScore } from './limits.ts'
import { securityOf } from './security.ts'
import { containerMounts } from './volumes/mounts.ts'

export interface StartPlace {
  readonly client: KubeClient
  readonly runtime: Runtime
  readonly services: readonly Service[]
  readonly names: ClusterNames
  readonly nodeIPs: readonly string[]
  readonly allocatable: Readonly<Record<string, string>>
}

export interface StartRequest {
  readonly pod: Pod
  readonly podIPs: readonly string[]
  readonly container: Container
  readonly attempt: number
  readonly crashes: number
  /** Of the pod's volumes, by name. */
  readonly directories: ReadonlyMap<string, string>
}

export async function startContainer(place: StartPlace, request: StartRequest): Promise<void> {
  const { runtime, allocatable } = place
  const { pod, container, directories } = request
  const sources = await fetchSources(place, request)
  const env = containerEnvironment(container, sources)
  const mounts = containerMounts(container, { directories, pod, env })
  await runtime.startContainer(pod.metadata.uid ?? '', {
    ...containerConfig(request, env),
    mounts,
    oomScore: oomScore(pod, container, quantityValue(allocatable['memory'] ?? '0')),
  })
}

/** What the pod alone decides. */
function containerConfig(
  { pod, container, attempt, crashes }: StartRequest,
  env: Readonly<Record<string, string>>,
): Omit<ContainerConfig, 'mounts' | 'oomScore'> {
  const words = (list: readonly string[] | undefined) => list?.map((word) => expand(word, env))
  const [command, args] = [words(container.command), words(container.args)]
  const limits = containerLimits(container)
  const target = pod.spec?.ephemeralContainers?.find(({ name }) => name === container.name)?.targetContainerName
  return {
    name: container.name,
    attempt,
    crashes,
    image: container.image ?? '',
    ...(command && { command }),
    ...(args && { args }),
    ...(container.workingDir && { workingDir: container.workingDir }),
    env,
    ...securityOf(pod, container),
    ...(limits && { limits }),
    resources: container.resources ?? {},
    terminationMessage: {
      path: container.terminationMessagePath ?? '/dev/termination-log',
      fallback: container.terminationMessagePolicy === 'FallbackToLogsOnError' ? 'log' : 'none',
    },
    ...(target !== undefined && { processesOf: target }),
    ...(container.lifecycle?.stopSignal && { stopSignal: container.lifecycle.stopSignal }),
    ...(container.stdin && { stdin: container.stdinOnce ? 'once' : 'open' }),
    tty: container.tty === true,
  }
}

/** What only the environment needs is read when a container starts; nothing is watched for it. */
async function fetchSources(
  place: StartPlace,
  { pod, podIPs, container, directories }: StartRequest,
): Promise<EnvironmentSources> {
  const namespace = pod.metadata.namespace ?? ''
  const names = referredNames(container)
  const [configMaps, secrets] = await Promise.all([
    fetchAll<ConfigMap>(place.client, resources.configMaps, namespace, names.configMaps),
    fetchAll<Secret>(place.client, resources.secrets, namespace, names.secrets),
  ])
  const links = pod.spec?.enableServiceLinks === false ? 'kubernetes' : 'all'
  return {
    pod,
    podIPs,
    nodeIPs: place.nodeIPs,
    allocatable: place.allocatable,
    hostname: podHostname(pod, place.names),
    services: serviceEnvironment(place.services, namespace, links),
    configMap: (name) => configMaps.get(name),
    secret: (name) => secrets.get(name),
    file: (volume, path) => readEnvFile(directories.get(volume) ?? '', path),
  }
}

async function fetchAll<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  namespace: string,
  names: readonly string[],
): Promise<Map<string, T>> {
  const found = new Map<string, T>()
  const get = async (name: string) => {
    try {
      found.set(name, await client.get(resource, { namespace, name }))
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
  }
  await Promise.all(names.map(get))
  return found
}

function referredNames({ env = [], envFrom = [] }: Container): { configMaps: string[]; secrets: string[] } {
  const named = (names: readonly (string | undefined)[]) => [...new Set(names.filter((name) => name))] as string[]
  return {
    configMaps: named([
      ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
      ...envFrom.map(({ configMapRef }) => configMapRef?.name),
    ]),
    secrets: named([
      ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
      ...envFrom.map(({ secretRef }) => secretRef?.name),
    ]),
  }
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
