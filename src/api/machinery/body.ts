/**
 * Request bodies to objects, and failures to the Status objects the API server answers with: which kind was sent,
 * which was expected, and why it could not be read.
 */
import { type Decoded, DecodeError, decode, duplicateComplaints, type FieldValidation, parseJson } from './decode.ts'
import { findType } from './schema.ts'
import { badRequest, StatusError } from './status.ts'
import type { JsonSource } from './yaml.ts'

export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** The API server's limit on request bodies. */
export const bodyBytesMax = 3 * 1024 * 1024

export interface DecodeBodyOptions {
  /** Default 'Warn', as the API server's. */
  readonly fieldValidation?: FieldValidation
  /** Of the request; anything that names yaml is read as YAML, all else as JSON. */
  readonly contentType?: string
  /** Default: here and now. */
  readonly readYaml?: YamlReader
}

/** YAML as JSON. Throws an Error in the words of Go's YAML reader. */
export type YamlReader = (yaml: string) => JsonSource | Promise<JsonSource>

const readYamlHere: YamlReader = async (yaml) => (await import('./yaml.ts')).yamlToJson(yaml)

export function groupVersionOf({ group, version }: Pick<GroupVersionKind, 'group' | 'version'>): string {
  return group ? `${group}/${version}` : version
}

/** The schema name of a kind: `v1.Service`, `apps/v1.Deployment`. */
export function typeNameOf(gvk: GroupVersionKind): string {
  return `${groupVersionOf(gvk)}.${gvk.kind}`
}

/**
 * Decodes a request body as the kind a resource stores. `apiVersion` and `kind` may be absent in the body; in the
 * object they are always set. `schemaName` says which type it is when that differs from the kind's own (DeleteOptions
 * of any group version are `meta/v1.DeleteOptions`). Throws StatusError.
 */
export async function decodeBody<T>(
  expected: GroupVersionKind,
  body: Buffer,
  { fieldValidation = 'Warn', contentType = 'application/json', readYaml = readYamlHere }: DecodeBodyOptions = {},
  schemaName?: string,
): Promise<Decoded<T>> {
  if (body.length > bodyBytesMax) throw tooLarge(`limit is ${bodyBytesMax}`)
  const yaml = contentType.includes('yaml')
  const read: JsonSource = yaml
    ? await yamlSource(body, expected, readYaml)
    : { text: body.toString('utf8'), complaints: [] }
  // To Go, null is an object without fields.
  const source = read.text.trim() === 'null' ? { ...read, text: '{}' } : read
  const head = readHead(source.text, body, expected)
  const sent = { ...splitGroupVersion(head.apiVersion || groupVersionOf(expected)), kind: head.kind || expected.kind }
  checkKind(sent, expected, schemaName)
  try {
    const strict = fieldValidation === 'Strict' && source.complaints.length > 0
    const decoded = decode<Record<string, unknown>>(schemaName ?? typeNameOf(expected), source.text, {
      fieldValidation: strict ? 'Warn' : fieldValidation,
    })
    const warnings = fieldValidation === 'Ignore' ? [] : [...source.complaints, ...decoded.warnings]
    if (strict) throw new DecodeError('strict', `strict decoding error: ${warnings.join(', ')}`)
    decoded.object['apiVersion'] = groupVersionOf(sent)
    decoded.object['kind'] = sent.kind
    return { object: decoded.object as T, warnings }
  } catch (error) {
    throw error instanceof DecodeError ? cannotHandle(sent, expected, error.message) : error
  }
}

export function tooLarge(why: string): StatusError {
  return new StatusError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: ${why}`,
  })
}

/** A body that names a kind and cannot be had as the expected one. */
export function cannotHandle(sent: GroupVersionKind, expected: GroupVersionKind, why: string): StatusError {
  return badRequest(
    `${sent.kind} in version ${JSON.stringify(sent.version)} cannot be handled as a ${expected.kind}: ${why}`,
  )
}

export function splitGroupVersion(text: string): { group: string; version: string } {
  const slash = text.indexOf('/')
  return slash < 0 ? { group: '', version: text } : { group: text.slice(0, slash), version: text.slice(slash + 1) }
}

/** A kind of its own group version, sent where another is stored, is told apart from one nobody knows. */
export function checkKind(sent: GroupVersionKind, expected: GroupVersionKind, schemaName: string | undefined): void {
  if (schemaName && sent.kind === expected.kind) return
  if (!findType(typeNameOf(sent))) {
    const version = JSON.stringify(groupVersionOf(sent))
    const why = `no kind ${JSON.stringify(sent.kind)} is registered for version ${version} in scheme "pkg/api/legacyscheme/scheme.go:30"`
    throw cannotHandle(sent, expected, why)
  }
  if (groupVersionOf(sent) !== groupVersionOf(expected)) {
    throw badRequest(
      `the API version in the data (${groupVersionOf(sent)}) does not match the expected API version (${groupVersionOf(expected)})`,
    )
  }
  if (sent.kind !== expected.kind) {
    const internal = expected.group ? expected.group.split('.')[0] : 'core'
    throw cannotHandle(
      sent,
      expected,
      `converting (${sent.version}.${sent.kind}) to (${internal}.${expected.kind}): unknown conversion`,
    )
  }
}

function readHead(text: string, body: Buffer, expected: GroupVersionKind): { apiVersion: string; kind: string } {
  try {
    const value = parseJson(text)
    const head = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
    if (!head) {
      const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
      throw new DecodeError(
        'type',
        `json: cannot unmarshal ${what} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
      )
    }
    return { apiVersion: headField(head, 'apiVersion'), kind: headField(head, 'kind') }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const why = `couldn't get version/kind; json parse error: ${error.message}`
    throw unrecognized(expected, why, body)
  }
}

/** A body whose kind cannot even be told. */
export function unrecognized(expected: GroupVersionKind, why: string, body: Buffer): StatusError {
  return badRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summarize(body)})`,
  )
}

function headField(head: object, name: 'apiVersion' | 'kind'): string {
  const value: unknown = (head as Record<string, unknown>)[name]
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  throw new DecodeError('type', `json: cannot unmarshal ${what} into Go struct field .${name} of type string`)
}

/** The start of a body nobody could read, as the API server quotes it. */
function summarize(body: Buffer): string {
  const shown = 30
  if (body.length === 0) return 'empty'
  const tail = body.length > shown ? ' ...' : ''
  const start = body.subarray(0, shown)
  return `${body[0] === 0x7b ? start.toString('utf8') : start.toString('hex')}${tail}`
}

async function yamlSource(body: Buffer, expected: GroupVersionKind, readYaml: YamlReader): Promise<JsonSource> {
  const text = body.toString('utf8')
  if (isPlainJson(text)) return { text, complaints: [] }
  try {
    return await readYaml(text)
  } catch (error) {
    const why = `error converting YAML to JSON: yaml: ${error instanceof Error ? error.message : String(error)}`
    throw unrecognized(expected, why, body)
  }
}

/** All JSON is YAML, and read a hundred times faster; only a key that comes twice is told in other words. */
function isPlainJson(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false
  try {
    parseJson(text)
    return duplicateComplaints(text).length === 0
  } catch {
    return false
  }
}

/** A patch body as a plain value; `complaints` are its duplicate fields (none are looked for with 'Ignore'). */
export function decodePatchBody(
  body: Buffer,
  fieldValidation: FieldValidation,
): { patch: unknown; complaints: string[] } {
  if (body.length > bodyBytesMax) throw tooLarge(`limit is ${bodyBytesMax}`)
  const text = body.toString('utf8')
  try {
    return { patch: parseJson(text), complaints: fieldValidation === 'Ignore' ? [] : duplicateComplaints(text) }
  } catch (error) {
    throw error instanceof DecodeError ? badRequest(`error decoding patch: ${error.message}`) : error
  }
}
