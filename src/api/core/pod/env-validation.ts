/** Checks of a container's environment. */
import { check, checkQualifiedName } from '../../common/validation.ts'
import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { invalid, notSupported, required } from '../../machinery/field.ts'
import { isConfigMapKey, isDNS1123Subdomain } from '../../machinery/validate.ts'

const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]
/** Paths that exist in the downward API but not for variables. */
const volumeOnlyFieldPaths = ['metadata.annotations', 'metadata.labels']
const resourceFields = ['cpu', 'ephemeral-storage', 'memory'].flatMap((name) => [`limits.${name}`, `requests.${name}`])

const moreThanOne = 'may not have more than one field specified at a time'

export function validateEnv(variables: readonly EnvVar[] | undefined, path: Path): FieldError[] {
  return (variables ?? []).flatMap((variable, i) => {
    const at = path.index(i)
    return [
      ...(variable.name ? checkEnvName(at.child('name'), variable.name) : [required(at.child('name'))]),
      ...validateValueFrom(variable, at.child('valueFrom')),
    ]
  })
}

/** Any printable ASCII but `=` (relaxed since 1.34, KEP-4369). */
function checkEnvName(path: Path, name: string): FieldError[] {
  if (/^[\x20-\x3c\x3e-\x7e]+$/.test(name)) return []
  const why = "a valid environment variable name must consist only of printable ASCII characters other than '='"
  return [invalid(path, name, why)]
}

function validateValueFrom(variable: EnvVar, path: Path): FieldError[] {
  const from = variable.valueFrom
  if (!from) return []
  const sources = [from.fieldRef, from.resourceFieldRef, from.configMapKeyRef, from.secretKeyRef, from.fileKeyRef]
  const count = sources.filter((source) => source !== undefined).length
  const errors = validateSources(from, path)
  if (count === 0) {
    const why = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
    errors.push(invalid(path, '', why))
  } else if (variable.value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'))
  else if (count > 1) errors.push(invalid(path, '', moreThanOne))
  return errors
}

function validateSources(from: EnvVarSource, path: Path): FieldError[] {
  const errors: FieldError[] = []
  if (from.fieldRef) errors.push(...validateFieldRef(from.fieldRef, path.child('fieldRef'), envFieldPaths))
  if (from.resourceFieldRef)
    errors.push(...validateResourceField(from.resourceFieldRef, path.child('resourceFieldRef')))
  for (const name of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const selector = from[name]
    if (selector) errors.push(...validateKeySelector(selector, path.child(name)))
  }
  return errors
}

function validateKeySelector({ name = '', key }: { name?: string; key: string }, path: Path): FieldError[] {
  return [
    ...check(path.child('name'), name, isDNS1123Subdomain(name)),
    ...(key ? check(path.child('key'), key, isConfigMapKey(key)) : [required(path.child('key'))]),
  ]
}

export function validateFieldRef(ref: ObjectFieldSelector, path: Path, supported: readonly string[]): FieldError[] {
  if (!ref.apiVersion) return [required(path.child('apiVersion'))]
  if (!ref.fieldPath) return [required(path.child('fieldPath'))]
  const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(ref.fieldPath)
  if (subscript?.[1]) {
    const key = subscript[2] ?? ''
    return checkQualifiedName(path, subscript[1] === 'metadata.annotations' ? key.toLowerCase() : key)
  }
  if (supported.includes(ref.fieldPath)) return []
  if (volumeOnlyFieldPaths.includes(ref.fieldPath) || envFieldPaths.includes(ref.fieldPath)) {
    return [notSupported(path.child('fieldPath'), ref.fieldPath, supported)]
  }
  const why = `error converting fieldPath: field label not supported: ${ref.fieldPath}`
  return [invalid(path.child('fieldPath'), ref.fieldPath, why)]
}

export function validateResourceField(ref: ResourceFieldSelector, path: Path): FieldError[] {
  if (!ref.resource) return [required(path.child('resource'))]
  if (resourceFields.includes(ref.resource) || /^(limits|requests)\.hugepages-/.test(ref.resource)) return []
  return [notSupported(path.child('resource'), ref.resource, resourceFields)]
}

export function validateEnvFrom(sources: readonly EnvFromSource[] | undefined, path: Path): FieldError[] {
  return (sources ?? []).flatMap((source, i) => {
    const at = path.index(i)
    const errors = source.prefix ? checkEnvName(at.child('prefix'), source.prefix) : []
    for (const name of ['configMapRef', 'secretRef'] as const) {
      const reference = source[name]
      if (reference) errors.push(...validateReference(reference.name, at.child(name, 'name')))
    }
    if (!source.configMapRef && !source.secretRef) {
      errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
    } else if (source.configMapRef && source.secretRef) errors.push(invalid(path, '', moreThanOne))
    return errors
  })
}

function validateReference(name: string | undefined, path: Path): FieldError[] {
  return name ? check(path, name, isDNS1123Subdomain(name)) : [required(path)]
}

/** Field paths that a downward API volume may show. */
export const volumeFieldPaths = ['metadata.name', 'metadata.namespace', 'metadata.uid', ...volumeOnlyFieldPaths]
