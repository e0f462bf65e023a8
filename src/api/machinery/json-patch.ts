/** JSON Patch (RFC 6902, with negative list positions as Kubernetes' library allows) and JSON Merge Patch (RFC 7386). */
import { define, isObject } from './json-object.ts'

export class JsonPatchError extends Error {
  override readonly name = 'JsonPatchError'
}

type Plain = Record<string, unknown>

export interface JsonPatchOperation {
  readonly op?: unknown
  readonly path?: unknown
  readonly from?: unknown
  readonly value?: unknown
}

/** What all copies of a patch may add together, as kube-apiserver's: each could double the object. */
const copiedBytesMax = 3 * 1024 * 1024

interface Copies {
  bytes: number
}

/** Changes `document` in place where it can and returns the result. Throws JsonPatchError at the first that fails. */
export function applyJsonPatch(document: unknown, operations: readonly JsonPatchOperation[]): unknown {
  let result = document
  const copies: Copies = { bytes: 0 }
  for (const operation of operations) result = applyOperation(result, operation, copies)
  return result
}

function applyOperation(document: unknown, operation: JsonPatchOperation, copies: Copies): unknown {
  const path = pointer(operation.path, 'path')
  switch (operation.op) {
    case 'add':
      return add(document, path, structuredClone(valueOf(operation)))
    case 'remove':
      return remove(document, path).document
    case 'replace': {
      lookUp(document, path)
      if (path.length === 0) return structuredClone(valueOf(operation))
      return set(document, path, structuredClone(valueOf(operation)))
    }
    case 'move': {
      const from = pointer(operation.from, 'from')
      if (path.length > from.length && from.every((part, i) => part === path[i])) {
        throw new JsonPatchError(`cannot move ${format(from)} into itself`)
      }
      const { document: rest, removed } = remove(document, from)
      return add(rest, path, removed)
    }
    case 'copy':
      return add(document, path, copyOf(lookUp(document, pointer(operation.from, 'from')), copies))
    case 'test':
      if (!equal(lookUpOrNull(document, path), valueOf(operation))) {
        throw new JsonPatchError(`testing value ${format(path)} failed`)
      }
      return document
    default:
      throw new JsonPatchError(`Unexpected kind: ${String(operation.op)}`)
  }
}

function copyOf(value: unknown, copies: Copies): unknown {
  const text = JSON.stringify(value)
  copies.bytes += Buffer.byteLength(text)
  if (copies.bytes > copiedBytesMax) {
    throw new JsonPatchError(
      `Unable to complete the copy, the accumulated size increase of copy is ${copies.bytes}, exceeding the limit ${copiedBytesMax}`,
    )
  }
  return JSON.parse(text)
}

function valueOf(operation: JsonPatchOperation): unknown {
  return operation.value ?? null
}

function pointer(text: unknown, name: string): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) {
    throw new JsonPatchError(`operation has no valid ${name}`)
  }
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function format(path: readonly string[]): string {
  return path.map((part) => `/${part}`).join('')
}

function lookUp(document: unknown, path: readonly string[]): unknown {
  let at = document
  for (const part of path) {
    if (Array.isArray(at)) at = at[position(part, at.length, path) ?? at.length]
    else at = isObject(at) && Object.hasOwn(at, part) ? at[part] : undefined
    if (at === undefined) throw new JsonPatchError(`missing value: ${format(path)}`)
  }
  return at
}

function lookUpOrNull(document: unknown, path: readonly string[]): unknown {
  lookUp(document, path.slice(0, -1))
  try {
    return lookUp(document, path)
  } catch {
    return null
  }
}

/** Undefined for `-`, the place after the last item. */
function position(part: string, length: number, path: readonly string[]): number | undefined {
  if (part === '-') return undefined
  if (!/^-?(?:0|[1-9]\d*)$/.test(part)) throw new JsonPatchError(`invalid array index ${part} in ${format(path)}`)
  const index = Number(part)
  const resolved = index < 0 ? length + index : index
  if (resolved < 0 || resolved > length) throw new JsonPatchError(`invalid index ${part} in ${format(path)}`)
  return resolved
}

function parentOf(document: unknown, path: readonly string[]): { parent: unknown[] | Plain; last: string } {
  const parent = lookUp(document, path.slice(0, -1))
  if (!Array.isArray(parent) && !isObject(parent)) throw new JsonPatchError(`missing container: ${format(path)}`)
  return { parent, last: path.at(-1) ?? '' }
}

function add(document: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value
  const { parent, last } = parentOf(document, path)
  if (!Array.isArray(parent)) define(parent, last, value)
  else if (last.startsWith('-') && last !== '-') parent.splice((position(last, parent.length, path) ?? 0) + 1, 0, value)
  else parent.splice(position(last, parent.length, path) ?? parent.length, 0, value)
  return document
}

function set(document: unknown, path: readonly string[], value: unknown): unknown {
  const { parent, last } = parentOf(document, path)
  if (Array.isArray(parent)) parent[position(last, parent.length, path) ?? parent.length] = value
  else define(parent, last, value)
  return document
}

function remove(document: unknown, path: readonly string[]): { document: unknown; removed: unknown } {
  const removed = lookUp(document, path)
  if (path.length === 0) return { document: null, removed }
  const { parent, last } = parentOf(document, path)
  if (Array.isArray(parent)) parent.splice(position(last, parent.length, path) ?? parent.length, 1)
  else delete parent[last]
  return { document, removed }
}

function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]))
  if (!isObject(a)) return a === b
  if (!isObject(b)) return false
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((n) => Object.hasOwn(b, n) && equal(a[n], b[n]))
}

/** RFC 7386. Neither argument is changed. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return structuredClone(patch)
  const result: Plain = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else define(result, name, applyMergePatch(Object.hasOwn(result, name) ? result[name] : undefined, value))
  }
  return result
}
