/**
 * Kubernetes' protobuf encoding of request bodies, turned into the JSON the rest of the server reads. Typed Go clients
 * (kubectl from 1.32 on among them) send it by default. Field names and types come from the generated schemas, field
 * numbers from fields.json (see extract.ts). Loaded when the first such body arrives.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findType, type TypeRef, type TypeSchema } from '../../api/machinery/schema.ts'
import { badRequest } from '../../api/machinery/status.ts'
import { WireError, type WireField, wireFields } from './wire.ts'

type Plain = Record<string, unknown>

/** Every protobuf body starts with this; then comes a runtime.Unknown message. */
const magic = Buffer.from('k8s\0')

/** Go fields that are pointers: their zero means zero. Other zero numbers and falses on the wire are absent fields. */
const pointers = new Set(
  (
    'activeDeadlineSeconds allocateLoadBalancerNodePorts allowPrivilegeEscalation automountServiceAccountToken ' +
    'backoffLimit blockOwnerDeletion completions controller defaultMode deletionGracePeriodSeconds enableServiceLinks ' +
    'expirationSeconds fsGroup gracePeriodSeconds hostProcess hostUsers immutable leaseDurationSeconds ' +
    'leaseTransitions maxReplicas minReplicas mode optional orphanDependents parallelism partition priority privileged ' +
    'progressDeadlineSeconds readOnlyRootFilesystem ready replicas revisionHistoryLimit runAsGroup runAsNonRoot ' +
    'runAsUser serving setHostnameAsFQDN shareProcessNamespace suspend terminating terminationGracePeriodSeconds ' +
    'tolerationSeconds ttlSecondsAfterFinished'
  ).split(' '),
)

/** The same object as JSON. `schemaName` says its type where that is not the kind's own. Throws 400. */
export function protobufToJson(body: Buffer, schemaName?: string): Buffer {
  try {
    return Buffer.from(JSON.stringify(decodeEnvelope(body, schemaName)))
  } catch (error) {
    throw error instanceof WireError ? badRequest(error.message) : error
  }
}

function decodeEnvelope(body: Buffer, schemaName: string | undefined): Plain {
  if (!body.subarray(0, magic.length).equals(magic)) {
    throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  }
  const unknown = byNumber(body.subarray(magic.length))
  const head = byNumber(bytesOf(unknown.get(1)))
  const apiVersion = bytesOf(head.get(1)).toString()
  const kind = bytesOf(head.get(2)).toString()
  const type = findType(schemaName ?? `${apiVersion}.${kind}`)
  if (!type) {
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme`,
    )
  }
  return { apiVersion, kind, ...decodeStruct(bytesOf(unknown.get(2)), type) }
}

function byNumber(buffer: Buffer): Map<number, WireField['value']> {
  return new Map([...wireFields(buffer)].map(({ number, value }) => [number, value]))
}

function bytesOf(value: WireField['value'] | undefined): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0)
}

let table: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined

/** `name` or `name:MessageType` by field number. */
function fieldsOf(typeName: string): Readonly<Record<string, string>> {
  table ??= JSON.parse(readFileSync(join(import.meta.dirname, 'fields.json'), 'utf8')) as NonNullable<typeof table>
  return table[typeName] ?? {}
}

function decodeStruct(buffer: Buffer, type: TypeSchema): Plain {
  const object: Plain = {}
  decodeInto(object, buffer, { type, message: `${type.groupVersion}.${type.name}` })
  return object
}

/** `message` differs from `type` where Go embeds a struct: its fields are a message of their own on the wire only. */
function decodeInto(object: Plain, buffer: Buffer, { type, message }: { type: TypeSchema; message: string }): void {
  const fields = fieldsOf(message)
  for (const { number, value } of wireFields(buffer)) {
    const [name = '', messageType] = (fields[number] ?? '').split(':')
    const field = type.fields.get(name)
    if (field) add(object, name, value, field.ref)
    else if (messageType && Buffer.isBuffer(value)) {
      const groupVersion = message.slice(0, message.lastIndexOf('.'))
      decodeInto(object, value, { type, message: `${groupVersion}.${messageType}` })
    }
  }
}

function add(object: Plain, name: string, value: WireField['value'], ref: TypeRef): void {
  switch (ref.shape) {
    case 'list': {
      const items = (object[name] ??= []) as unknown[]
      items.push(single(value, ref.item))
      break
    }
    case 'map': {
      const entries = (object[name] ??= {}) as Plain
      const entry = byNumber(bytesOf(value))
      entries[bytesOf(entry.get(1)).toString()] = single(entry.get(2) ?? Buffer.alloc(0), ref.value)
      break
    }
    default: {
      const decoded = single(value, ref)
      const zero =
        decoded === '' || decoded === undefined || ((decoded === 0 || decoded === false) && !pointers.has(name))
      if (!zero) object[name] = decoded
    }
  }
}

function single(value: WireField['value'], ref: TypeRef): unknown {
  if (ref.shape === 'struct') return decodeStruct(bytesOf(value), ref.type)
  // Lists as map values and the like are messages with the list as their first field.
  if (ref.shape === 'list') return [...wireFields(bytesOf(value))].map((field) => single(field.value, ref.item))
  if (ref.shape === 'map') return {}
  switch (ref.name) {
    case 'string':
      return bytesOf(value).toString()
    case 'boolean':
      return value !== 0n
    case 'int32':
    case 'int64':
      return Number(value)
    case 'double':
      return bytesOf(value).readDoubleLE()
    case 'bytes':
      return bytesOf(value).toString('base64')
    case 'time':
    case 'microTime':
      return timeOf(bytesOf(value), ref.name)
    case 'quantity':
      return bytesOf(byNumber(bytesOf(value)).get(1)).toString()
    case 'intOrString':
      return intOrString(bytesOf(value))
    case 'any':
      return rawOf(bytesOf(value))
  }
}

/** A zero Time is an absent one. */
function timeOf(buffer: Buffer, precision: 'time' | 'microTime'): string | undefined {
  const parts = byNumber(buffer)
  const seconds = Number(parts.get(1) ?? 0n)
  const zeroTimeSeconds = -62135596800
  if (buffer.length === 0 || seconds === zeroTimeSeconds) return undefined
  const text = new Date(seconds * 1000).toISOString().slice(0, 19)
  if (precision === 'time') return `${text}Z`
  const micros = Math.floor(Number(parts.get(2) ?? 0n) / 1000)
  return `${text}.${String(micros).padStart(6, '0')}Z`
}

function intOrString(buffer: Buffer): number | string {
  const parts = byNumber(buffer)
  return parts.get(1) === 1n ? bytesOf(parts.get(3)).toString() : Number(parts.get(2) ?? 0n)
}

/** RawExtension and the like carry JSON text. */
function rawOf(buffer: Buffer): unknown {
  try {
    return JSON.parse(bytesOf(byNumber(buffer).get(1)).toString())
  } catch {
    return undefined
  }
}
