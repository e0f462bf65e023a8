/** Checks of metadata and label selectors that all kinds share (k8s.io/apimachinery/pkg/api/validation). */
import type { ObjectMeta, OwnerReference } from '../generated/meta.v1.ts'
import { type FieldError, forbidden, invalid, Path, required } from './field.ts'
import { isDNS1123Label, isDNS1123Subdomain, isQualifiedName, isValidLabelValue } from './validate.ts'

export const immutableMessage = 'field is immutable'
const notNegative = 'must be greater than or equal to 0'
const annotationsBytesMax = 256 * 1024

export interface ObjectMetaRules {
  readonly namespaced: boolean
  /** Absent: DNS-1123 subdomain. */
  readonly validateName?: (name: string) => string[]
  /** Default `metadata`. */
  readonly path?: Path
}

function invalidEach(path: Path, value: unknown, messages: readonly string[]): FieldError[] {
  return messages.map((message) => invalid(path, value, message))
}

/** Of an object about to be created (its name already generated) or updated. */
export function validateObjectMeta(meta: ObjectMeta, rules: ObjectMetaRules): FieldError[] {
  const path = rules.path ?? Path.of('metadata')
  const validateName = rules.validateName ?? isDNS1123Subdomain
  const errors: FieldError[] = []
  if (meta.generateName) {
    errors.push(
      ...invalidEach(path.child('generateName'), meta.generateName, prefixMessages(meta.generateName, validateName)),
    )
  }
  if (!meta.name) errors.push(required(path.child('name'), 'name or generateName is required'))
  else errors.push(...invalidEach(path.child('name'), meta.name, validateName(meta.name)))
  errors.push(...validateNamespace(meta.namespace ?? '', rules.namespaced, path.child('namespace')))
  if ((meta.generation ?? 0) < 0) errors.push(invalid(path.child('generation'), meta.generation, notNegative))
  errors.push(...validateLabels(meta.labels, path.child('labels')))
  errors.push(...validateAnnotations(meta.annotations, path.child('annotations')))
  errors.push(...validateOwnerReferences(meta.ownerReferences, path.child('ownerReferences')))
  errors.push(...validateFinalizers(meta.finalizers, path.child('finalizers')))
  errors.push(...validateFinalizerOwners(meta.finalizers, path.child('finalizers')))
  return errors
}

/** A prefix may end in what the generated suffix will follow: a hyphen is as good as a letter. */
function prefixMessages(prefix: string, validateName: (name: string) => string[]): string[] {
  return validateName(prefix.endsWith('-') ? `${prefix.slice(0, -1)}a` : prefix)
}

function validateNamespace(namespace: string, namespaced: boolean, path: Path): FieldError[] {
  if (!namespaced) return namespace ? [forbidden(path, 'not allowed on this type')] : []
  if (!namespace) return [required(path)]
  return invalidEach(path, namespace, isDNS1123Label(namespace))
}

function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: Path): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...invalidEach(path, key, isQualifiedName(key)),
    ...invalidEach(path, value, isValidLabelValue(value)),
  ])
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: Path,
): FieldError[] {
  const entries = Object.entries(annotations ?? {})
  // Keys are checked in lower case: upper case letters are allowed in the prefix, too.
  const errors = entries.flatMap(([key]) => invalidEach(path, key, isQualifiedName(key.toLowerCase())))
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  if (size > annotationsBytesMax) {
    errors.push({
      type: 'FieldValueTooLong',
      field: path.toString(),
      message: `Too long: may not be more than ${annotationsBytesMax} bytes`,
    })
  }
  return errors
}

function validateOwnerReferences(references: readonly OwnerReference[] = [], path: Path): FieldError[] {
  const errors = references.flatMap((reference) => validateOwnerReference(reference, path))
  const controllers = references.filter((reference) => reference.controller)
  if (controllers.length > 1) {
    const [first, second] = controllers.map(({ kind, name }) => `${kind}/${name}`)
    const detail = `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`
    errors.push(invalid(path, references, detail))
  }
  return errors
}

function validateOwnerReference(reference: OwnerReference, path: Path): FieldError[] {
  const { apiVersion, kind, name, uid } = reference
  const errors: FieldError[] = []
  const parts = apiVersion.split('/')
  const version = parts.length > 2 ? '' : (parts.at(-1) ?? '')
  if (version === '') errors.push(invalid(path.child('apiVersion'), apiVersion, 'version must not be empty'))
  if (!kind) errors.push(invalid(path.child('kind'), kind, 'must not be empty'))
  if (!name) errors.push(invalid(path.child('name'), name, 'must not be empty'))
  if (!uid) errors.push(invalid(path.child('uid'), uid, 'must not be empty'))
  if (apiVersion === 'v1' && kind === 'Event') {
    errors.push(invalid(path, reference, '/v1, Kind=Event is disallowed from being an owner'))
  }
  return errors
}

const standardFinalizers: readonly string[] = ['kubernetes', 'orphan', 'foregroundDeletion']

function validateFinalizers(finalizers: readonly string[] = [], path: Path): FieldError[] {
  const errors = finalizers.flatMap((finalizer) => invalidEach(path, finalizer, isQualifiedName(finalizer)))
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
  return errors
}

/** What the built-in kinds ask beyond the format: a known name, or one that says whose it is. */
function validateFinalizerOwners(finalizers: readonly string[] = [], path: Path): FieldError[] {
  const detail = 'name is neither a standard finalizer name nor is it fully qualified'
  return finalizers.flatMap((finalizer, i) =>
    finalizer.includes('/') || standardFinalizers.includes(finalizer)
      ? []
      : [invalid(path.index(i), finalizer, detail)],
  )
}

/**
 * What an update may not change, and the checks of what it may. `next` should already carry over what clients may leave out (uid, creationTimestamp,
 * deletion fields) from `old`.
 */
export function validateObjectMetaUpdate(
  next: ObjectMeta,
  old: ObjectMeta,
  path: Path = Path.of('metadata'),
): FieldError[] {
  const errors: FieldError[] = []
  if (old.deletionTimestamp) {
    const before = new Set(old.finalizers)
    const added = (next.finalizers ?? []).filter((finalizer) => !before.has(finalizer))
    if (added.length > 0) {
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${goStrings(added)}`
      errors.push(forbidden(path.child('finalizers'), detail))
    }
  }
  if (!next.resourceVersion) {
    errors.push(invalid(path.child('resourceVersion'), next.resourceVersion ?? '', 'must be specified for an update'))
  }
  if ((next.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalid(path.child('generation'), next.generation ?? 0, 'must not be decremented'))
  }
  for (const name of ['name', 'namespace', 'uid', 'creationTimestamp'] as const) {
    if ((next[name] ?? '') !== (old[name] ?? ''))
      errors.push(invalid(path.child(name), next[name] ?? '', immutableMessage))
  }
  for (const name of ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    if (next[name] !== old[name]) errors.push(invalid(path.child(name), next[name] ?? null, immutableMessage))
  }
  errors.push(...validateLabels(next.labels, path.child('labels')))
  errors.push(...validateAnnotations(next.annotations, path.child('annotations')))
  errors.push(...validateOwnerReferences(next.ownerReferences, path.child('ownerReferences')))
  errors.push(...validateFinalizerOwners(next.finalizers, path.child('finalizers')))
  return errors
}

/** Go's `%#v` of a list of strings. */
function goStrings(values: readonly string[]): string {
  return `[]string{${values.map((value) => JSON.stringify(value)).join(', ')}}`
}
