/** Secret: confidential values, base64 on the wire. `stringData` is a convenience for writers and never read back. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import { immutableMessage } from '../../common/validation.ts'
import type { Secret } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path, required, tooLong } from '../../machinery/field.ts'
import { declareResource } from '../../resource.ts'
import { dataMaxBytes, validateImmutable, validateKeys } from '../keyed-data.ts'

const serviceAccountNameAnnotation = 'kubernetes.io/service-account.name'

/** Keys that a type promises to its readers. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

function setDefaults(secret: Secret): void {
  secret.type ||= 'Opaque'
  if (!secret.stringData) return
  for (const [key, value] of Object.entries(secret.stringData)) {
    const data = (secret.data ??= {})
    data[key] = Buffer.from(value).toString('base64')
  }
  delete secret.stringData
}

function validate(secret: Secret): FieldError[] {
  const { data = {}, type = '' } = secret
  const path = Path.of('data')
  const errors = validateKeys(data, 'data')
  let size = 0
  for (const value of Object.values(data)) size += Buffer.byteLength(value, 'base64')
  if (size > dataMaxBytes) errors.push(tooLong(path, dataMaxBytes))
  for (const key of requiredKeys[type] ?? []) {
    if (data[key] === undefined) errors.push(required(path.key(key)))
    else if (type.includes('docker') && !isJson(data[key])) {
      errors.push(invalid(path.key(key), '<secret contents redacted>', 'invalid character found while parsing JSON'))
    }
  }
  if (type === 'kubernetes.io/basic-auth' && data['username'] === undefined && data['password'] === undefined) {
    errors.push(required(path.key('username')), required(path.key('password')))
  }
  if (type === 'kubernetes.io/service-account-token' && !secret.metadata.annotations?.[serviceAccountNameAnnotation]) {
    errors.push(required(Path.of('metadata', 'annotations').key(serviceAccountNameAnnotation)))
  }
  return errors
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString())
    return true
  } catch {
    return false
  }
}

function validateUpdate(next: Secret, old: Secret): FieldError[] {
  const errors = next.type === old.type ? [] : [invalid(Path.of('type'), next.type, immutableMessage)]
  return [...errors, ...validateImmutable(next, old, ['data']), ...validate(next)]
}

export const secretDefinition = declareResource<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  setDefaults,
  validate,
  validateUpdate,
  allowUnconditionalUpdate: true,
  selectableFields: { type: (secret) => secret.type ?? '' },
  columns: [
    nameColumn,
    { name: 'Type', type: 'string', cell: (secret) => secret.type ?? '' },
    { name: 'Data', type: 'string', cell: (secret) => Object.keys(secret.data ?? {}).length },
    ageColumn,
  ],
})
