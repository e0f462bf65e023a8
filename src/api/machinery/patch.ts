/** A PATCH request's body applied to an object, with the errors the API server answers with. */

import { checkKind, decodePatchBody, type GroupVersionKind, tooLarge, typeNameOf } from './body.ts'
import { type Decoded, DecodeError, decode, type FieldValidation } from './decode.ts'
import { invalid, Path } from './field.ts'
import { isObject } from './json-object.ts'
import { applyJsonPatch, applyMergePatch, JsonPatchError, type JsonPatchOperation } from './json-patch.ts'
import { typeSchema } from './schema.ts'
import { badRequest, invalidError, StatusError } from './status.ts'
import { applyStrategicMergePatch, goFormat, StrategicMergeError } from './strategic-merge.ts'

export type PatchMediaType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'

export interface PatchRequest {
  readonly mediaType: PatchMediaType
  readonly body: Buffer
  /** Default 'Warn'. */
  readonly fieldValidation?: FieldValidation
}

/** As in the API server. */
const jsonPatchOperationsMax = 10_000

/** A new object: `current` with the patch applied, decoded and checked as a request body is. Throws StatusError. */
export function applyPatch<T>(gvk: GroupVersionKind, current: object, request: PatchRequest): Decoded<T> {
  return withinDepth(() => patched<T>(gvk, current, request))
}

function patched<T>(gvk: GroupVersionKind, current: object, request: PatchRequest): Decoded<T> {
  const fieldValidation = request.fieldValidation ?? 'Warn'
  const { patch, complaints } = decodePatchBody(request.body, fieldValidation)
  const typeName = typeNameOf(gvk)
  const result = patchValue(typeName, current, request.mediaType, patch)
  // Strategic merge errors quote the patch, the other two the object that came out.
  const quoted = () =>
    request.mediaType === 'application/strategic-merge-patch+json' ? goFormat(patch) : JSON.stringify(result)
  const rejected = (message: string) =>
    invalidError({ group: '', resource: '' }, '', [invalid(Path.of('patch'), quoted(), message)])
  try {
    const value = structuredClone(result)
    if (typeof value !== 'object' || value === null)
      throw new DecodeError('type', 'the patched object is not an object')
    const decoded = decode<T>(typeName, value, { fieldValidation: fieldValidation === 'Ignore' ? 'Ignore' : 'Warn' })
    const warnings = [...complaints, ...decoded.warnings]
    if (fieldValidation === 'Strict' && warnings.length > 0) {
      throw new DecodeError('strict', `strict decoding error: ${warnings.join(', ')}`)
    }
    checkPatchedKind(decoded.object as { apiVersion?: string; kind?: string }, gvk)
    return { object: decoded.object, warnings }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const strategic = request.mediaType === 'application/strategic-merge-patch+json'
    throw rejected(strategic ? conversionMessage(error.message) : error.message)
  }
}

/** Strategic merge results are converted, not parsed, upstream: type errors read differently. */
function conversionMessage(message: string): string {
  const [, got = '', goType = ''] = /^json: cannot unmarshal (\S+) .*of type (\S+)$/.exec(message) ?? []
  if (!goType) return message
  const kind = { number: 'int64', array: 'slice', object: 'map' }[got] ?? got
  if (goType.startsWith('[]')) return `cannot restore slice from ${kind}`
  if (goType.startsWith('map[')) return `cannot restore map from ${kind}`
  if (/^(?:u?int|float|bool|string)/.test(goType)) return `unrecognized type: ${goType}`
  // Any other named type that meets an object or a list is a named string; else it is a struct.
  return got === 'object' || got === 'array' || got === 'number'
    ? 'unrecognized type: string'
    : `cannot restore struct from: ${kind}`
}

/** What is nested too deep for this program's stack is nobody's object. */
function withinDepth<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof RangeError ? badRequest('error decoding patch: exceeded max depth') : error
  }
}

function checkPatchedKind(object: { apiVersion?: string; kind?: string }, gvk: GroupVersionKind): void {
  const [version = gvk.version, group = ''] = (object.apiVersion ?? '').split('/').reverse()
  checkKind(object.apiVersion ? { group, version, kind: object.kind || gvk.kind } : gvk, gvk, undefined)
}

function patchValue(typeName: string, current: object, mediaType: PatchMediaType, patch: unknown): unknown {
  switch (mediaType) {
    case 'application/json-patch+json':
      return jsonPatch(current, patch)
    case 'application/merge-patch+json':
      if (!isObject(patch)) throw badRequest('Invalid JSON Patch')
      return applyMergePatch(current, patch)
    default:
      if (!isObject(patch))
        throw badRequest(`error decoding patch: ${unmarshalMessage(patch, 'map[string]interface {}')}`)
      return strategicMerge(typeName, current, patch)
  }
}

function jsonPatch(current: object, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest(unmarshalMessage(patch, 'jsonpatch.Patch'))
  if (patch.length > jsonPatchOperationsMax) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${jsonPatchOperationsMax}, got ${patch.length}`)
  }
  const stray = patch.find((operation) => !isObject(operation))
  if (stray !== undefined) throw badRequest(unmarshalMessage(stray, 'jsonpatch.Operation'))
  try {
    return applyJsonPatch(structuredClone(current), patch as JsonPatchOperation[])
  } catch (error) {
    throw error instanceof JsonPatchError ? unprocessable() : error
  }
}

function strategicMerge(typeName: string, current: object, patch: object): object {
  try {
    return applyStrategicMergePatch(current, patch, typeSchema(typeName))
  } catch (error) {
    if (!(error instanceof StrategicMergeError)) throw error
    if (error.code === 'format') throw badRequest(error.message)
    if (error.code === 'listOfLists') throw unprocessable()
    throw new StatusError({ code: 500, message: error.message })
  }
}

/** The API server gives no more than this for a JSON patch that does not apply. */
function unprocessable(): StatusError {
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: {},
  })
}

function unmarshalMessage(value: unknown, goType: string): string {
  const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  return `json: cannot unmarshal ${what} into Go value of type ${goType}`
}
