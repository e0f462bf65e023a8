/**
 * Strategic merge patch: a merge patch that knows which lists are keyed (k8s.io/apimachinery strategicpatch). The keys
 * come from the schema; the directives `$patch`, `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…`
 * come with the patch.
 */
import { define, isObject } from './json-object.ts'
import type { FieldSchema, TypeRef, TypeSchema } from './schema.ts'

/** `format`: the patch is malformed (400). `listOfLists`: cannot be merged (422). `key`: an item lacks its merge key. */
export class StrategicMergeError extends Error {
  readonly code: 'format' | 'listOfLists' | 'key'

  constructor(code: StrategicMergeError['code'], message: string) {
    super(message)
    this.name = 'StrategicMergeError'
    this.code = code
  }
}

type Plain = Record<string, unknown>

const setElementOrder = '$setElementOrder/'
const deleteFromPrimitiveList = '$deleteFromPrimitiveList/'

/** Merges `patch` into a copy of `original`; neither argument is changed. */
export function applyStrategicMergePatch(original: object, patch: object, type: TypeSchema): object {
  return mergeObject(original as Plain, patch as Plain, { shape: 'struct', type })
}

function mergeObject(original: Plain, patch: Plain, ref: TypeRef | undefined): Plain {
  const directive = patch['$patch']
  if (directive === 'delete') return {}
  if (directive === 'replace') return withoutDirectives(patch)
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(patch)
  const result = retained(original, patch)
  for (const name of mergedNames(patch)) {
    const value = patch[name]
    const field = fieldOf(ref, name)
    if (value === null) {
      delete result[name]
      continue
    }
    const listed = {
      value,
      order: listDirective(patch, setElementOrder + name),
      removed: listDirective(patch, deleteFromPrimitiveList + name),
    }
    const merged = mergeField(Object.hasOwn(result, name) ? result[name] : undefined, listed, field)
    if (merged !== undefined) define(result, name, merged)
  }
  return result
}

/** Names of fields that the patch speaks of, directly or through a directive on a list. */
function mergedNames(patch: Plain): Set<string> {
  const names = new Set<string>()
  for (const name of Object.keys(patch)) {
    if (name === '$patch' || name === '$retainKeys') continue
    if (name.startsWith(setElementOrder)) names.add(name.slice(setElementOrder.length))
    else if (name.startsWith(deleteFromPrimitiveList)) names.add(name.slice(deleteFromPrimitiveList.length))
    else names.add(name)
  }
  return names
}

function retained(original: Plain, patch: Plain): Plain {
  const keep = patch['$retainKeys']
  if (keep === undefined) return { ...original }
  if (!Array.isArray(keep)) throw badFormat('retainKeys')
  const kept = new Set<unknown>(keep)
  for (const name of mergedNames(patch)) {
    if (patch[name] !== null && patch[name] !== undefined && !kept.has(name)) throw badFormat('retainKeys')
  }
  return Object.fromEntries(Object.entries(original).filter(([name]) => kept.has(name)))
}

interface ListPatch {
  readonly value: unknown
  readonly order: unknown[] | undefined
  readonly removed: unknown[] | undefined
}

function mergeField(original: unknown, patch: ListPatch, field: FieldRef): unknown {
  const { value, order, removed } = patch
  if (value === undefined || Array.isArray(value)) {
    if (value === undefined && !Array.isArray(original)) return original
    const merged = mergeList(Array.isArray(original) ? original : [], value, field, removed)
    return order ? ordered(merged, order, Array.isArray(original) ? original : [], field.mergeKey) : merged
  }
  if (isObject(value) && field.replace) return withoutDirectives(value)
  if (isObject(value)) return mergeObject(isObject(original) ? original : {}, value, field.ref)
  return value
}

type FieldRef = Partial<Pick<FieldSchema, 'mergeKey' | 'mergeSet' | 'replace'>> & { readonly ref: TypeRef | undefined }

function fieldOf(ref: TypeRef | undefined, name: string): FieldRef {
  if (ref?.shape === 'struct') return ref.type.fields.get(name) ?? { ref: undefined }
  return { ref: ref?.shape === 'map' ? ref.value : undefined }
}

function mergeList(
  original: unknown[],
  patch: unknown[] | undefined,
  field: FieldRef,
  removed: unknown[] = [],
): unknown[] {
  const gone = new Set(removed)
  const base = gone.size > 0 ? original.filter((item) => !gone.has(item)) : original
  if (!patch) return base
  if (patch.some(Array.isArray)) throw new StrategicMergeError('listOfLists', 'lists of lists are not supported')
  if (field.mergeSet) {
    const merged = [...new Set([...base, ...patch])]
    return ordered(merged, patch, original, undefined)
  }
  if (!field.mergeKey) return withoutDirectives(patch.filter((item) => !isDirective(item)))
  return mergeKeyed(base, patch, field.mergeKey, field.ref?.shape === 'list' ? field.ref.item : undefined)
}

function isDirective(item: unknown): boolean {
  return isObject(item) && item['$patch'] === 'replace' && Object.keys(item).length === 1
}

function mergeKeyed(original: unknown[], patch: unknown[], mergeKey: string, item: TypeRef | undefined): unknown[] {
  const plain: Plain[] = []
  const deleted: Plain[] = []
  let replace = false
  for (const entry of patch) {
    if (!isObject(entry)) throw new StrategicMergeError('format', `expected a map in a list with merge key ${mergeKey}`)
    const directive = entry['$patch']
    if (directive === 'replace') replace = true
    if (isDirective(entry)) continue
    if (entry[mergeKey] === undefined) {
      throw new StrategicMergeError('key', `map: ${goFormat(entry)} does not contain declared merge key: ${mergeKey}`)
    }
    if (directive === 'delete') deleted.push(entry)
    else if (directive === undefined || directive === 'merge' || directive === 'replace') plain.push(entry)
    else throw unknownDirective(entry)
  }
  if (replace) return withoutDirectives(plain)
  const isDeleted = placesIn(deleted, mergeKey)
  const merged = original.filter((o) => isDeleted(o) < 0)
  const places = indexOf(merged, mergeKey)
  for (const entry of plain) {
    const at = places.get(entry[mergeKey])
    const before = at === undefined ? undefined : merged[at]
    if (at === undefined) places.set(entry[mergeKey], merged.length)
    merged[at ?? merged.length] = mergeObject(isObject(before) ? before : {}, entry, item)
  }
  return ordered(merged, plain, original, mergeKey)
}

/** What an item is known by; one that cannot have a key is known by itself. */
function keyOf(item: unknown, mergeKey: string | undefined): unknown {
  return mergeKey === undefined || !isObject(item) ? item : item[mergeKey]
}

/** By key, where in the list it comes first. */
function indexOf(list: readonly unknown[], mergeKey: string | undefined): Map<unknown, number> {
  const places = new Map<unknown, number>()
  for (const [at, item] of list.entries()) {
    const key = keyOf(item, mergeKey)
    if (!places.has(key)) places.set(key, at)
  }
  return places
}

/** Where an item of the same key comes first in the list, or -1. Lists may be long: nothing here looks for it twice. */
function placesIn(list: readonly unknown[], mergeKey: string | undefined): (item: unknown) => number {
  const places = indexOf(list, mergeKey)
  return (item) => places.get(keyOf(item, mergeKey)) ?? -1
}

/**
 * The items `order` names come in its order, the others in the server's; where both are known to the server, its order
 * decides how the two interleave. New items therefore come first.
 */
function ordered(merged: unknown[], order: unknown[], server: unknown[], mergeKey: string | undefined): unknown[] {
  const inOrder = placesIn(order, mergeKey)
  const onServer = placesIn(server, mergeKey)
  const named = merged.filter((item) => inOrder(item) >= 0).sort((a, b) => inOrder(a) - inOrder(b))
  const others = merged.filter((item) => inOrder(item) < 0).sort((a, b) => onServer(a) - onServer(b))
  const result: unknown[] = []
  let i = 0
  for (const item of named) {
    const place = onServer(item)
    const comesFirst = (other: unknown) => onServer(other) >= 0 && onServer(other) < place
    while (i < others.length && comesFirst(others[i])) result.push(others[i++])
    result.push(item)
  }
  return [...result, ...others.slice(i)]
}

function listDirective(patch: Plain, name: string): unknown[] | undefined {
  const value = patch[name]
  if (value === undefined) return undefined
  if (!Array.isArray(value))
    throw badFormat(name.startsWith(setElementOrder) ? 'setElementOrder list' : 'primitive list')
  return value
}

function badFormat(what: string): StrategicMergeError {
  return new StrategicMergeError('format', `invalid patch format of ${what}`)
}

function unknownDirective(patch: Plain): StrategicMergeError {
  return new StrategicMergeError('format', `unknown patch type: ${String(patch['$patch'])} in map: ${goFormat(patch)}`)
}

/** A copy without directives and nulls, as a value that meets nothing to merge with. */
function withoutDirectives<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item) => withoutDirectives(item)) as T
  if (!isObject(value)) return value
  const entries = Object.entries(value).filter(([name, v]) => v !== null && !name.startsWith('$'))
  return Object.fromEntries(entries.map(([name, v]) => [name, withoutDirectives(v)])) as T
}

/** Go's `%v` of plain JSON: `map[spec:map[replicas:3]]`. */
export function goFormat(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goFormat).join(' ')}]`
  if (isObject(value)) {
    const names = Object.keys(value).sort()
    return `map[${names.map((name) => `${name}:${goFormat(value[name])}`).join(' ')}]`
  }
  return typeof value === 'string' ? value : value === null || value === undefined ? '<nil>' : JSON.stringify(value)
}
