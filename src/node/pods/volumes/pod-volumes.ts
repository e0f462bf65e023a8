/**
 * The volumes of this node's pods. `sync` makes them as the pod and the API say now; it is called at every look at a
 * pod, so that what a ConfigMap, Secret, label or token has become is in the volume a moment later.
 */
import { createHash } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { claimNameOf } from '../../../api/core/pod/claims.ts'
import type { ConfigMap, Pod, Secret, ServiceAccountTokenProjection, Volume } from '../../../api/generated/v1.ts'
import { type KubeClient, resources } from '../../../client/index.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/log.ts'
import type { Runtime } from '../../runtime/contract.ts'
import { memoryVolumeBytes } from '../limits.ts'
import { writeVolume } from './atomic-writer.ts'
import { type ContentSources, type FileContent, tokenProjections, volumeContent, volumeReferences } from './content.ts'
import { prepareHostPath } from './host-path.ts'
import { giveToGroup } from './ownership.ts'
import { Tokens } from './tokens.ts'
import { WatchedObjects } from './watched-objects.ts'

export interface PodVolumesOptions {
  readonly client: KubeClient
  readonly runtime: Pick<Runtime, 'volumeDirectory' | 'mountMemory'>
  /** What the node has, by resource name: what a container without limits may use. */
  readonly allocatable: Readonly<Record<string, string>>
  /** The volumes of these pods may be out of date. */
  readonly changed: (uid: string) => void
  readonly clock: Clock
  readonly log: Logger
}

export interface VolumesState {
  /** Directory (or file) on the node, by volume; what has been made once stays here. */
  readonly directories: ReadonlyMap<string, string>
  /** What could not be made, or brought up to date: messages of FailedMount. */
  readonly failures: readonly string[]
}

interface Made {
  readonly directories: Map<string, string>
  /** Of what was written last, by volume. */
  readonly digests: Map<string, string>
}

export class PodVolumes {
  readonly #options: PodVolumesOptions
  readonly #configMaps: WatchedObjects<ConfigMap>
  readonly #secrets: WatchedObjects<Secret>
  readonly #tokens: Tokens
  readonly #pods = new Map<string, Made>()

  constructor(options: PodVolumesOptions) {
    const { client, log } = options
    this.#options = options
    const changed = (uids: Iterable<string>) => {
      for (const uid of uids) options.changed(uid)
    }
    this.#configMaps = new WatchedObjects({ client, resource: resources.configMaps, changed, log })
    this.#secrets = new WatchedObjects({ client, resource: resources.secrets, changed, log })
    this.#tokens = new Tokens(options)
  }

  async sync(pod: Pod): Promise<VolumesState> {
    const uid = pod.metadata.uid ?? ''
    const made: Made = this.#pods.get(uid) ?? { directories: new Map(), digests: new Map() }
    this.#pods.set(uid, made)
    const volumes = pod.spec?.volumes ?? []
    if (volumes.length === 0) return { directories: made.directories, failures: [] }
    const sources = await this.#sources(pod)
    const failures: string[] = []
    for (const volume of volumes) {
      try {
        await this.#make(pod, volume, sources, made)
      } catch (error) {
        failures.push(`MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`)
      }
    }
    return { directories: made.directories, failures }
  }

  /** When a token of the pod has to be renewed. */
  refreshInMs(uid: string): number | undefined {
    return this.#tokens.refreshInMs(uid)
  }

  forget(uid: string): void {
    this.#configMaps.forget(uid)
    this.#secrets.forget(uid)
    this.#tokens.forget(uid)
    this.#pods.delete(uid)
  }

  stop(): void {
    this.#configMaps.stop()
    this.#secrets.stop()
  }

  /** What cannot be had is told when a volume asks for it. */
  async #sources(pod: Pod): Promise<ContentSources> {
    const { namespace = '', uid = '' } = pod.metadata
    const references = volumeReferences(pod)
    const [configMaps, secrets, tokens] = await Promise.all([
      settled(this.#configMaps.use(uid, namespace, references.configMaps)),
      settled(this.#secrets.use(uid, namespace, references.secrets)),
      Promise.all(tokenProjections(pod).map(async (one) => [one, await settled(this.#tokens.get(pod, one))] as const)),
    ])
    const token = (wanted: ServiceAccountTokenProjection) => {
      const found = tokens.find(([projection]) => projection === wanted)?.[1]
      if (!found) throw new Error(`failed to fetch token: ${wanted.path} is not of this pod`)
      return found('failed to fetch token: ')
    }
    return {
      pod,
      podIPs: [],
      nodeIPs: [],
      allocatable: this.#options.allocatable,
      configMap: (name) => configMaps('').get(name),
      secret: (name) => secrets('').get(name),
      token,
    }
  }

  async #make(pod: Pod, volume: Volume, sources: ContentSources, { directories, digests }: Made): Promise<void> {
    const files = volumeContent(volume, sources)
    if (!files) {
      if (!directories.has(volume.name)) directories.set(volume.name, await this.#makeOnce(pod, volume))
      return
    }
    const digest = digestOf(files)
    if (digests.get(volume.name) === digest) return
    const fsGroup = pod.spec?.securityContext?.fsGroup
    const directory = this.#options.runtime.volumeDirectory(pod.metadata.uid ?? '', 'api', volume.name)
    openToAll(directory, { fsGroup, inMemory: !volume.configMap })
    writeVolume(directory, files, fsGroup)
    digests.set(volume.name, digest)
    directories.set(volume.name, directory)
  }

  async #makeOnce(pod: Pod, volume: Volume): Promise<string> {
    const { hostPath, emptyDir } = volume
    if (emptyDir) return this.#emptyDir(pod, volume)
    if (claimNameOf(pod, volume) !== undefined) {
      const { claimPath } = await import('./claims.ts')
      return claimPath(this.#options.client, pod, volume)
    }
    if (!hostPath) throw new Error('this kind of volume is not supported by the process runtime')
    prepareHostPath(hostPath.path, hostPath.type ?? '')
    return hostPath.path
  }

  async #emptyDir(pod: Pod, { name, emptyDir }: Volume): Promise<string> {
    const { metadata, spec } = pod
    const { runtime, allocatable } = this.#options
    const directory = runtime.volumeDirectory(metadata.uid ?? '', 'empty', name)
    const { medium, sizeLimit } = emptyDir ?? {}
    if (medium === 'Memory') {
      await runtime.mountMemory(directory, memoryVolumeBytes(pod, sizeLimit, allocatable['memory'] ?? '0'))
    } else if (medium) throw new Error(`${medium} is not supported by the process runtime`)
    openToAll(directory, { fsGroup: spec?.securityContext?.fsGroup, inMemory: medium === 'Memory' })
    return directory
  }
}

/** An outcome to be asked for later: the value, or what went wrong with `prefix` before it. */
async function settled<T>(promise: Promise<T>): Promise<(prefix: string) => T> {
  try {
    const value = await promise
    return () => value
  } catch (error) {
    return (prefix) => {
      throw new Error(prefix + (error as Error).message, { cause: error })
    }
  }
}

interface Access {
  readonly fsGroup: number | undefined
  readonly inMemory: boolean
}

/** As the kubelet makes the directory of a volume; those in memory (there, all but ConfigMaps) begin as any tmpfs. */
function openToAll(directory: string, { fsGroup, inMemory }: Access): void {
  chmodSync(directory, inMemory ? 0o1777 : 0o777)
  if (fsGroup !== undefined) giveToGroup(directory, fsGroup, 'rw')
}

function digestOf(files: readonly FileContent[]): string {
  const hash = createHash('sha256')
  for (const { path, data, mode, uid } of files) {
    hash.update(JSON.stringify([path, data.length, mode, uid ?? 0])).update(data)
  }
  return hash.digest('base64')
}
