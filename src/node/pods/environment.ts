/** A container's environment: literals with `$(VAR)`, references, and the variables of Services. Pure. */
import type { ConfigMap, Container, EnvVar, FileKeySelector, Secret } from '../../api/generated/v1.ts'
import { parseEnvFile } from './env-files.ts'
import { type FieldSources, fieldValue, resourceValue } from './fields.ts'

/** Something the container cannot start without; becomes CreateContainerConfigError. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

export interface EnvironmentSources extends FieldSources {
  readonly hostname: string
  /** Variables of the namespace's Services (with `enableServiceLinks`), else of `kubernetes` alone. */
  readonly services: Readonly<Record<string, string>>
  /** Absent objects are undefined. */
  readonly configMap: (name: string) => ConfigMap | undefined
  readonly secret: (name: string) => Secret | undefined
  /** Text of a file in one of the pod's volumes. */
  readonly file: (volume: string, path: string) => string | undefined
}

export function containerEnvironment(container: Container, sources: EnvironmentSources): Record<string, string> {
  const result: Record<string, string> = { ...fromSources(container, sources) }
  // Service variables are visible to $(VAR), and lose to what the pod sets itself.
  const known: Record<string, string> = { ...sources.services, ...result }
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, container, sources, known)
    if (value === undefined) continue
    result[variable.name] = value
    known[variable.name] = value
  }
  return { HOSTNAME: sources.hostname, ...sources.services, ...result }
}

function valueOf(
  variable: EnvVar,
  container: Container,
  sources: EnvironmentSources,
  known: Readonly<Record<string, string>>,
): string | undefined {
  const { value, valueFrom } = variable
  if (!valueFrom) return expand(value ?? '', known)
  if (valueFrom.fieldRef) return fieldValue(valueFrom.fieldRef.fieldPath, sources)
  if (valueFrom.resourceFieldRef) return resourceValue(valueFrom.resourceFieldRef, container, sources)
  if (valueFrom.configMapKeyRef) {
    const { name = '', key, optional } = valueFrom.configMapKeyRef
    return reference('configmap', { name, key, optional }, sources, sources.configMap(name)?.data)
  }
  if (valueFrom.secretKeyRef) {
    const { name = '', key, optional } = valueFrom.secretKeyRef
    return reference('secret', { name, key, optional }, sources, decoded(sources.secret(name)?.data))
  }
  if (valueFrom.fileKeyRef) return fromFile(valueFrom.fileKeyRef, sources)
  return ''
}

function fromFile({ volumeName, path, key, optional }: FileKeySelector, { file }: EnvironmentSources) {
  try {
    const value = parseEnvFile(file(volumeName, path) ?? '').get(key)
    if (value === undefined && !optional)
      throw new Error(`environment variable key "${key}" not found in file "${path}"`)
    return value
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
}

function reference(
  kind: 'configmap' | 'secret',
  { name, key, optional }: { name: string; key: string; optional: boolean | undefined },
  { pod }: EnvironmentSources,
  data: Readonly<Record<string, string>> | undefined,
): string | undefined {
  const value = data?.[key]
  if (value !== undefined || optional) return value
  if (!data) throw new ConfigError(`${kind} "${name}" not found`)
  const spelled = kind === 'configmap' ? 'ConfigMap' : 'Secret'
  throw new ConfigError(`couldn't find key ${key} in ${spelled} ${pod.metadata.namespace}/${name}`)
}

function fromSources({ envFrom = [] }: Container, sources: EnvironmentSources): Record<string, string> {
  const result: Record<string, string> = {}
  for (const { prefix = '', configMapRef, secretRef } of envFrom) {
    const from = configMapRef ?? secretRef
    if (!from) continue
    const name = from.name ?? ''
    const found = configMapRef ? sources.configMap(name) : sources.secret(name)
    if (!found && !from.optional) throw new ConfigError(`${configMapRef ? 'configmap' : 'secret'} "${name}" not found`)
    const data = configMapRef ? found?.data : decoded(found?.data)
    for (const [key, value] of Object.entries(data ?? {})) result[prefix + key] = value
  }
  return result
}

function decoded(data: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined {
  if (!data) return undefined
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

/** `$(NAME)` is the variable when it is known and stays as written when not; `$$` is a dollar sign. */
export function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (known[name] ?? whole),
  )
}
