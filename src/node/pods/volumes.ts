/** Volumes of a pod: what is in them (pure) and putting it there. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { ConfigMap, Container, KeyToPath, Pod, Secret, Volume } from '../../api/generated/v1.ts'
import { quantityValue } from '../../api/machinery/quantity.ts'
import type { Mount, Runtime } from '../runtime/contract.ts'
import { ConfigError, type EnvironmentSources, expand } from './environment.ts'
import { fieldValue, resourceValue } from './fields.ts'

export interface FileContent {
  readonly path: string
  readonly data: Buffer
  readonly mode: number
}

const defaultMode = 0o644

/** A volume this node cannot provide, or whose source is missing. */
export class VolumeError extends Error {
  constructor(volume: string, message: string) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${message}`)
    this.name = 'VolumeError'
  }
}

/** Makes the pod's volumes; from name to directory (or file) on the node. */
export async function prepareVolumes(
  sources: EnvironmentSources,
  runtime: Pick<Runtime, 'volumeDirectory' | 'mountMemory'>,
): Promise<Map<string, string>> {
  const { pod } = sources
  const uid = pod.metadata.uid ?? ''
  const made = new Map<string, string>()
  for (const volume of pod.spec?.volumes ?? []) {
    const files = volumeFiles(volume, sources)
    if (files) made.set(volume.name, writeVolume(runtime.volumeDirectory(uid, 'files', volume.name), files))
    else if (volume.hostPath) made.set(volume.name, hostPath(volume))
    else made.set(volume.name, await emptyDir(volume, runtime, uid))
  }
  return made
}

async function emptyDir(
  volume: Volume,
  runtime: Pick<Runtime, 'volumeDirectory' | 'mountMemory'>,
  uid: string,
): Promise<string> {
  if (!volume.emptyDir)
    throw new VolumeError(volume.name, 'this kind of volume is not supported by the process runtime')
  const directory = runtime.volumeDirectory(uid, 'empty', volume.name)
  const { medium, sizeLimit } = volume.emptyDir
  if (medium === 'Memory') await runtime.mountMemory(directory, sizeLimit && String(quantityValue(sizeLimit)))
  chmodSync(directory, 0o777)
  return directory
}

function hostPath({ name, hostPath }: Volume): string {
  const { path = '', type = '' } = hostPath ?? {}
  if (type === 'DirectoryOrCreate') mkdirSync(path, { recursive: true })
  if (type === 'FileOrCreate' && !existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '')
  }
  if (!existsSync(path)) {
    if (type !== '') throw new VolumeError(name, `hostPath type check failed: ${path} is not a ${type.toLowerCase()}`)
    mkdirSync(path, { recursive: true })
  }
  return path
}

/** The files of a volume that is made of API objects; undefined for the other kinds. */
function volumeFiles(volume: Volume, sources: EnvironmentSources): FileContent[] | undefined {
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap) return configMapFiles(configMap, sources, configMap.defaultMode)
  if (secret) return secretFiles({ ...secret, name: secret.secretName ?? '' }, sources, secret.defaultMode)
  if (downwardAPI) return downwardFiles(downwardAPI.items, sources, downwardAPI.defaultMode)
  if (!projected) return undefined
  const mode = projected.defaultMode
  for (const source of projected.sources ?? []) {
    const [kind = ''] = Object.keys(source)
    if (!['configMap', 'secret', 'downwardAPI'].includes(kind)) {
      throw new VolumeError(volume.name, `projected ${kind} is not supported by the process runtime`)
    }
  }
  return (projected.sources ?? []).flatMap((source) => [
    ...(source.configMap ? configMapFiles(source.configMap, sources, mode) : []),
    ...(source.secret ? secretFiles(source.secret, sources, mode) : []),
    ...(source.downwardAPI ? downwardFiles(source.downwardAPI.items, sources, mode) : []),
  ])
}

interface ObjectSource {
  readonly name?: string
  readonly items?: readonly KeyToPath[]
  readonly optional?: boolean
}

function configMapFiles(source: ObjectSource, sources: EnvironmentSources, mode = defaultMode): FileContent[] {
  return objectFiles('configmap', source, configMapData(sources.configMap(source.name ?? '')), mode)
}

function secretFiles(source: ObjectSource, sources: EnvironmentSources, mode = defaultMode): FileContent[] {
  return objectFiles('secret', source, secretData(sources.secret(source.name ?? '')), mode)
}

function configMapData(object: ConfigMap | undefined): Map<string, Buffer> | undefined {
  if (!object) return undefined
  const text = Object.entries(object.data ?? {}).map(([key, value]): [string, Buffer] => [key, Buffer.from(value)])
  return new Map([...text, ...base64Entries(object.binaryData)])
}

function secretData(object: Secret | undefined): Map<string, Buffer> | undefined {
  return object && new Map(base64Entries(object.data))
}

function base64Entries(data: Readonly<Record<string, string>> = {}): [string, Buffer][] {
  return Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')])
}

function objectFiles(
  kind: 'configmap' | 'secret',
  { name = '', items, optional = false }: ObjectSource,
  data: ReadonlyMap<string, Buffer> | undefined,
  mode: number,
): FileContent[] {
  if (!data) {
    if (optional) return []
    throw new ConfigError(`${kind} "${name}" not found`)
  }
  if (!items || items.length === 0) return [...data].map(([path, content]) => ({ path, data: content, mode }))
  return items.flatMap((item) => {
    const content = data.get(item.key)
    if (content) return [{ path: item.path, data: content, mode: item.mode ?? mode }]
    if (optional) return []
    throw new ConfigError(`references non-existent ${kind === 'secret' ? 'secret' : 'config'} key: ${item.key}`)
  })
}

function downwardFiles(
  items: NonNullable<Volume['downwardAPI']>['items'],
  sources: EnvironmentSources,
  mode = defaultMode,
): FileContent[] {
  return (items ?? []).map((item) => {
    const text = item.fieldRef
      ? fieldValue(item.fieldRef.fieldPath, sources)
      : item.resourceFieldRef
        ? resourceValue(item.resourceFieldRef, { name: '' }, sources.pod)
        : ''
    return { path: item.path, data: Buffer.from(text), mode: item.mode ?? mode }
  })
}

/**
 * Files are links into `..data`, which is a link to a directory of its own: all files change at once when it moves
 * (Kubernetes' AtomicWriter).
 */
export function writeVolume(directory: string, files: readonly FileContent[]): string {
  const version = basename(mkdtempSync(join(directory, `..${new Date().toISOString().replace(/[-:T]/g, '_')}.`)))
  chmodSync(join(directory, version), 0o755)
  for (const { path, data, mode } of files) {
    const file = join(directory, version, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, data)
    chmodSync(file, mode)
  }
  const before = linkTarget(join(directory, '..data'))
  symlinkSync(version, join(directory, '..data_tmp'))
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
  for (const top of new Set(files.map(({ path }) => path.split('/')[0] ?? ''))) {
    if (linkTarget(join(directory, top)) === undefined) symlinkSync(join('..data', top), join(directory, top))
  }
  if (before) rmSync(join(directory, before), { recursive: true, force: true })
  return directory
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** Where a container sees the volumes. */
export function containerMounts(
  container: Container,
  volumes: ReadonlyMap<string, string>,
  { pod, env }: { readonly pod: Pod; readonly env: Readonly<Record<string, string>> },
): Mount[] {
  return (container.volumeMounts ?? []).map((mount) => {
    const root = volumes.get(mount.name)
    if (root === undefined) throw new ConfigError(`volume "${mount.name}" of container "${container.name}" is unknown`)
    const subPath = mount.subPathExpr ? expand(mount.subPathExpr, env) : (mount.subPath ?? '')
    if (subPath.split('/').includes('..')) throw new ConfigError(`subPath ${JSON.stringify(subPath)} leaves its volume`)
    const source = subPath ? join(root, subPath) : root
    const kind = pod.spec?.volumes?.find(({ name }) => name === mount.name)
    const fromApi = Boolean(kind?.configMap ?? kind?.secret ?? kind?.downwardAPI ?? kind?.projected)
    if (subPath && !fromApi && !existsSync(source)) mkdirSync(source, { recursive: true })
    return { source, target: mount.mountPath, readOnly: mount.readOnly === true || fromApi }
  })
}
