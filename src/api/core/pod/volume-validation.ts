/** Checks of a pod's volumes. Kinds that no node here can mount are checked for their shape only. */
import { check, checkDescendingPath, checkLabel } from '../../common/validation.ts'
import type { DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { duplicate, forbidden, invalid, notSupported, required } from '../../machinery/field.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import { isConfigMapKey } from '../../machinery/validate.ts'
import { validateEphemeral } from './claim-validation.ts'
import { volumeSources } from './defaults.ts'
import { validateFieldRef, validateResourceField, volumeFieldPaths } from './env-validation.ts'

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
]
const modeMessage = 'must be a number between 0 and 0777 (octal), both inclusive'

export function validateVolumes(volumes: readonly Volume[] | undefined, path: Path): FieldError[] {
  const seen = new Set<string>()
  return (volumes ?? []).flatMap((volume, i) => {
    const at = path.index(i)
    const errors = validateSource(volume, at)
    if (!volume.name) errors.push(required(at.child('name')))
    else {
      errors.push(...checkLabel(at.child('name'), volume.name))
      if (seen.has(volume.name)) errors.push(duplicate(at.child('name'), volume.name))
      seen.add(volume.name)
    }
    return errors
  })
}

function validateSource(volume: Volume, path: Path): FieldError[] {
  const [first, ...others] = volumeSources(volume)
  if (first === undefined) return [required(path, 'must specify a volume type')]
  return [
    ...validateOne(volume, path),
    ...others.map((name) => forbidden(path.child(name), 'may not specify more than 1 volume type')),
  ]
}

function validateOne(volume: Volume, path: Path): FieldError[] {
  const { emptyDir, hostPath, configMap, secret, downwardAPI, projected, persistentVolumeClaim, ephemeral } = volume
  const errors: FieldError[] = []
  if (emptyDir?.sizeLimit !== undefined && compareQuantities(emptyDir.sizeLimit, '0') < 0) {
    errors.push(forbidden(path.child('emptyDir', 'sizeLimit'), 'SizeLimit field must be a valid resource quantity'))
  }
  if (hostPath) errors.push(...validateHostPath(hostPath.path, hostPath.type ?? '', path.child('hostPath')))
  if (configMap) errors.push(...validateFiles(configMap.name, 'name', configMap, path.child('configMap')))
  if (secret) errors.push(...validateFiles(secret.secretName, 'secretName', secret, path.child('secret')))
  if (persistentVolumeClaim && !persistentVolumeClaim.claimName) {
    errors.push(required(path.child('persistentVolumeClaim', 'claimName')))
  }
  if (ephemeral) errors.push(...validateEphemeral(ephemeral, path.child('ephemeral')))
  if (downwardAPI) {
    const at = path.child('downwardAPI')
    errors.push(...checkMode(at.child('defaultMode'), downwardAPI.defaultMode))
    errors.push(...validateDownwardFiles(downwardAPI.items, at))
  }
  if (projected) {
    const at = path.child('projected')
    errors.push(...checkMode(at.child('defaultMode'), projected.defaultMode))
    projected.sources?.forEach((source, i) => {
      errors.push(...validateProjection(source, at.child('sources').index(i)))
    })
  }
  return errors
}

function validateHostPath(target: string, type: string, path: Path): FieldError[] {
  const errors = target ? [] : [required(path.child('path'))]
  if (target.split('/').includes('..')) errors.push(invalid(path.child('path'), target, "must not contain '..'"))
  if (!hostPathTypes.includes(type)) errors.push(notSupported(path.child('type'), type, hostPathTypes))
  return errors
}

function checkMode(path: Path, mode: number | undefined): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [invalid(path, mode, modeMessage)] : []
}

interface Files {
  readonly items?: readonly KeyToPath[]
  readonly defaultMode?: number
}

function validateFiles(name: string | undefined, field: string, files: Files, path: Path): FieldError[] {
  return [
    ...(name ? [] : [required(path.child(field))]),
    ...checkMode(path.child('defaultMode'), files.defaultMode),
    ...(files.items ?? []).flatMap((item, i) => validateKeyToPath(item, path.child('items').index(i))),
  ]
}

function validateKeyToPath(item: KeyToPath, path: Path): FieldError[] {
  return [
    ...(item.key ? check(path.child('key'), item.key, isConfigMapKey(item.key)) : [required(path.child('key'))]),
    ...checkFilePath(item.path, path.child('path')),
    ...checkMode(path.child('mode'), item.mode),
  ]
}

/** A relative path whose name does not look like the ones that make updates atomic. */
function checkFilePath(target: string, path: Path): FieldError[] {
  if (!target) return [required(path)]
  const errors = checkDescendingPath(target, path)
  if (target.startsWith('..') && !target.startsWith('../'))
    errors.push(invalid(path, target, "must not start with '..'"))
  return errors
}

function validateDownwardFiles(items: readonly DownwardAPIVolumeFile[] | undefined, path: Path): FieldError[] {
  return (items ?? []).flatMap((item) => {
    const errors = checkFilePath(item.path, path.child('path'))
    if (item.fieldRef && item.resourceFieldRef) {
      errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
    } else if (item.fieldRef) errors.push(...validateFieldRef(item.fieldRef, path.child('fieldRef'), volumeFieldPaths))
    else if (item.resourceFieldRef) {
      const at = path.child('resourceFieldRef')
      if (item.resourceFieldRef.containerName) errors.push(...validateResourceField(item.resourceFieldRef, at))
      else errors.push(required(at.child('containerName')))
    } else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'))
    return [...errors, ...checkMode(path.child('mode'), item.mode)]
  })
}

function validateProjection(source: VolumeProjection, path: Path): FieldError[] {
  const kinds = Object.keys(source)
  if (kinds.length === 0) return [required(path, 'at least one of configMap, downwardAPI, secret, serviceAccountToken')]
  const errors: FieldError[] = []
  if (source.configMap)
    errors.push(...validateFiles(source.configMap.name, 'name', source.configMap, path.child('configMap')))
  if (source.secret) errors.push(...validateFiles(source.secret.name, 'name', source.secret, path.child('secret')))
  if (source.downwardAPI) errors.push(...validateDownwardFiles(source.downwardAPI.items, path.child('downwardAPI')))
  if (source.serviceAccountToken) {
    const at = path.child('serviceAccountToken')
    const seconds = source.serviceAccountToken.expirationSeconds
    if (seconds !== undefined && seconds < 600) {
      errors.push(invalid(at.child('expirationSeconds'), seconds, 'may not specify a duration less than 10 minutes'))
    }
    if (!source.serviceAccountToken.path) errors.push(required(at.child('path')))
  }
  return errors
}
