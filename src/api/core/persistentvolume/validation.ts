/** Checks of a PersistentVolume. */
import { sameValue } from '../../common/strategy.ts'
import { checkSubdomain, immutableMessage } from '../../common/validation.ts'
import type { PersistentVolume, PersistentVolumeSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { forbidden, invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { checkPositiveQuantity, validateAccessModes, validateVolumeMode } from '../access-modes.ts'
import { validateNodeSelectorTerm } from '../pod/affinity-validation.ts'
import { describeDifference } from '../pod/difference.ts'

const path = Path.of('spec')
const reclaimPolicies = ['Delete', 'Recycle', 'Retain']

/** What of a spec does not say where the storage is. */
const commonFields = [
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
] as const satisfies (keyof PersistentVolumeSpec)[]

export function validatePersistentVolume({ spec = {} }: PersistentVolume): FieldError[] {
  const { accessModes = [], capacity = {}, persistentVolumeReclaimPolicy: policy, storageClassName } = spec
  return [
    ...(accessModes.length === 0 ? [required(path.child('accessModes'))] : []),
    ...validateAccessModes(accessModes, path.child('accessModes')),
    ...validateCapacity(capacity),
    ...(policy && !reclaimPolicies.includes(policy)
      ? [notSupported(path.child('persistentVolumeReclaimPolicy'), policy, reclaimPolicies)]
      : []),
    ...validateNodeAffinity(spec),
    ...validateSource(spec),
    ...(storageClassName ? checkSubdomain(path.child('storageClassName'), storageClassName) : []),
    ...validateVolumeMode(spec.volumeMode, path.child('volumeMode')),
  ]
}

function validateCapacity(capacity: Readonly<Record<string, string>>): FieldError[] {
  const at = path.child('capacity')
  const names = Object.keys(capacity)
  if (names.length === 0) return [required(at), notSupported(at, capacity, ['storage'])]
  const errors = names.length > 1 || names[0] !== 'storage' ? [notSupported(at, capacity, ['storage'])] : []
  return [...errors, ...names.flatMap((name) => checkPositiveQuantity(at.key(name), capacity[name] ?? '0'))]
}

function validateNodeAffinity({ nodeAffinity, local }: PersistentVolumeSpec): FieldError[] {
  const at = path.child('nodeAffinity')
  if (!nodeAffinity) return local ? [required(at, 'Local volume requires node affinity')] : []
  const needed = at.child('required')
  if (!nodeAffinity.required) return [required(needed, 'must specify required node constraints')]
  const terms = nodeAffinity.required.nodeSelectorTerms ?? []
  const here = needed.child('nodeSelectorTerms')
  if (terms.length === 0) return [required(here, 'must have at least one node selector term')]
  return terms.flatMap((term, i) => validateNodeSelectorTerm(term, here.index(i)))
}

function sourcesOf(spec: PersistentVolumeSpec): Partial<PersistentVolumeSpec> {
  const sources = { ...spec }
  for (const field of commonFields) delete sources[field]
  return sources
}

function validateSource(spec: PersistentVolumeSpec): FieldError[] {
  const [first, ...others] = Object.entries(sourcesOf(spec)).filter(([, source]) => source !== undefined)
  if (!first) return [required(path, 'must specify a volume type')]
  const errors = others.map(([name]) => forbidden(path.child(name), 'may not specify more than 1 volume type'))
  for (const name of ['hostPath', 'local'] as const) {
    const source = spec[name]
    if (!source) continue
    if (!source.path) errors.push(required(path.child(name, 'path')))
    else if (source.path.split('/').includes('..')) {
      errors.push(invalid(path.child(name, 'path'), source.path, "must not contain '..'"))
    }
  }
  if (spec.hostPath?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') {
    const why = "may not be 'recycle' for a hostPath mount of '/'"
    errors.push(forbidden(path.child('persistentVolumeReclaimPolicy'), why))
  }
  return errors
}

export function validatePersistentVolumeUpdate(next: PersistentVolume, old: PersistentVolume): FieldError[] {
  const [after, before] = [next.spec ?? {}, old.spec ?? {}]
  const errors = validatePersistentVolume(next)
  const [source, sourceBefore] = [sourcesOf(after), sourcesOf(before)]
  if (!sameValue(source, sourceBefore)) {
    const why = `spec.persistentvolumesource is immutable after creation\n${describeDifference(sourceBefore, source)}`
    errors.push(forbidden(path.child('persistentvolumesource'), why))
  }
  if (after.volumeMode !== before.volumeMode) {
    errors.push(invalid(Path.of('volumeMode'), after.volumeMode, immutableMessage))
  }
  if (before.nodeAffinity && !sameValue(after.nodeAffinity, before.nodeAffinity)) {
    const why = `${immutableMessage}, except for updating from beta label to GA`
    errors.push(invalid(Path.of('nodeAffinity'), after.nodeAffinity, why))
  }
  return errors
}
