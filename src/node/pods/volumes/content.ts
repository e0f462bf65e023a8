/** The files of volumes that are made of API objects. Pure. */
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from '../../../api/generated/v1.ts'
import { ConfigError } from '../environment.ts'
import { type FieldSources, fieldValue, resourceValue } from '../fields.ts'

export interface FileContent {
  readonly path: string
  readonly data: Buffer
  readonly mode: number
  /** Owner other than root. */
  readonly uid?: number
}

export interface ContentSources extends FieldSources {
  /** Absent objects are undefined. */
  readonly configMap: (name: string) => ConfigMap | undefined
  readonly secret: (name: string) => Secret | undefined
  readonly token: (projection: ServiceAccountTokenProjection) => string
}

const defaultMode = 0o644
/** Of a token that only its pod's user (and fsGroup) may read. */
const privateMode = 0o600

/** Undefined for volumes of another kind. Throws ConfigError when something referred to is missing. */
export function volumeContent(volume: Volume, sources: ContentSources): FileContent[] | undefined {
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap) return configMapFiles(configMap, sources, configMap.defaultMode)
  if (secret) return secretFiles({ ...secret, name: secret.secretName ?? '' }, sources, secret.defaultMode)
  if (downwardAPI) return downwardFiles(downwardAPI.items, sources, downwardAPI.defaultMode)
  return projected && projectedFiles(projected.sources ?? [], sources, projected.defaultMode)
}

/** All that is missing is told at once; of two files at one path the later wins. */
function projectedFiles(projections: readonly VolumeProjection[], sources: ContentSources, mode = defaultMode) {
  const files = new Map<string, FileContent>()
  const missing: string[] = []
  for (const projection of projections) {
    try {
      for (const file of projectionFiles(projection, sources, mode)) files.set(file.path, file)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      missing.push(error.message)
    }
  }
  const [only, another] = missing
  if (only !== undefined) throw new ConfigError(another === undefined ? only : `[${missing.join(', ')}]`)
  return [...files.values()]
}

function projectionFiles(projection: VolumeProjection, sources: ContentSources, mode: number): FileContent[] {
  const { configMap, secret, downwardAPI, serviceAccountToken } = projection
  if (configMap) return configMapFiles(configMap, sources, mode)
  if (secret) return secretFiles(secret, sources, mode)
  if (downwardAPI) return downwardFiles(downwardAPI.items, sources, mode)
  if (serviceAccountToken) return [tokenFile(serviceAccountToken, sources, mode)]
  throw new ConfigError(`projected ${Object.keys(projection)[0]} is not supported by the process runtime`)
}

function tokenFile(projection: ServiceAccountTokenProjection, sources: ContentSources, mode: number): FileContent {
  const uid = commonUser(sources.pod)
  const isPrivate = uid !== undefined || sources.pod.spec?.securityContext?.fsGroup !== undefined
  return {
    path: projection.path,
    data: Buffer.from(sources.token(projection)),
    mode: isPrivate ? privateMode : mode,
    ...(uid !== undefined && { uid }),
  }
}

/** The one user that all containers of the pod run as, if they say so. */
function commonUser({ spec }: Pod): number | undefined {
  const users = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(
    ({ securityContext }) => securityContext?.runAsUser ?? spec?.securityContext?.runAsUser,
  )
  const [first] = users
  return users.every((user) => user === first) ? first : undefined
}

interface ObjectSource {
  readonly name?: string
  readonly items?: readonly KeyToPath[]
  readonly optional?: boolean
}

function configMapFiles(source: ObjectSource, { configMap }: ContentSources, mode = defaultMode): FileContent[] {
  const object = configMap(source.name ?? '')
  const text = Object.entries(object?.data ?? {}).map(([key, value]): [string, Buffer] => [key, Buffer.from(value)])
  const data = object && new Map([...text, ...base64Entries(object.binaryData)])
  return objectFiles(source, data, mode, {
    object: `configmap "${source.name}" not found`,
    key: 'configmap references non-existent config key: ',
  })
}

function secretFiles(source: ObjectSource, { secret }: ContentSources, mode = defaultMode): FileContent[] {
  const object = secret(source.name ?? '')
  return objectFiles(source, object && new Map(base64Entries(object.data)), mode, {
    object: `secret "${source.name}" not found`,
    key: 'references non-existent secret key: ',
  })
}

function base64Entries(data: Readonly<Record<string, string>> = {}): [string, Buffer][] {
  return Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')])
}

function objectFiles(
  { items, optional = false }: ObjectSource,
  data: ReadonlyMap<string, Buffer> | undefined,
  mode: number,
  missing: { readonly object: string; readonly key: string },
): FileContent[] {
  if (!data) {
    if (optional) return []
    throw new ConfigError(missing.object)
  }
  if (!items || items.length === 0) return [...data].map(([path, content]) => ({ path, data: content, mode }))
  return items.flatMap((item) => {
    const content = data.get(item.key)
    if (content) return [{ path: item.path, data: content, mode: item.mode ?? mode }]
    if (optional) return []
    throw new ConfigError(missing.key + item.key)
  })
}

function downwardFiles(
  items: readonly DownwardAPIVolumeFile[] = [],
  sources: ContentSources,
  mode = defaultMode,
): FileContent[] {
  return items.map((item) => {
    const text = item.fieldRef
      ? fieldValue(item.fieldRef.fieldPath, sources)
      : item.resourceFieldRef
        ? resourceValue(item.resourceFieldRef, { name: '' }, sources)
        : ''
    return { path: item.path, data: Buffer.from(text), mode: item.mode ?? mode }
  })
}

/** Names of the objects that the pod's volumes are made of. */
export function volumeReferences({ spec }: Pod): { configMaps: string[]; secrets: string[] } {
  const volumes = spec?.volumes ?? []
  const projections = volumes.flatMap(({ projected }) => projected?.sources ?? [])
  return {
    configMaps: named([...volumes, ...projections].map(({ configMap }) => configMap?.name)),
    secrets: named([
      ...volumes.map(({ secret }) => secret?.secretName),
      ...projections.map(({ secret }) => secret?.name),
    ]),
  }
}

function named(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((name) => name !== undefined && name !== ''))] as string[]
}

export function tokenProjections({ spec }: Pod): ServiceAccountTokenProjection[] {
  return (spec?.volumes ?? []).flatMap(({ projected }) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }) => serviceAccountToken ?? []),
  )
}
