/** Request bodies: which types a write accepts, and the object in them. */
import { type GroupVersionKind, decodeBody } from '../../api/machinery/body.ts'
import type { Decoded, FieldValidation } from '../../api/machinery/decode.ts'
import { unsupportedMediaType } from './errors.ts'

const protobuf = 'application/vnd.kubernetes.protobuf'
const bodyTypes: readonly string[] = ['application/json', 'application/yaml', protobuf]

interface WithBody {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** The media type of a request without its parameters, in lower case; '' when none is given. */
export function mediaType(headers: Readonly<Record<string, string>>): string {
  return (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

/** The body as an object of a kind; no type means JSON. `schemaName` as for `decodeBody`. Throws StatusError. */
export async function readBody<T>(
  { headers, body }: WithBody,
  kind: GroupVersionKind,
  { fieldValidation }: { fieldValidation: FieldValidation },
  schemaName?: string,
): Promise<Decoded<T>> {
  const contentType = mediaType(headers) || 'application/json'
  if (!bodyTypes.includes(contentType)) throw unsupportedMediaType(bodyTypes)
  if (contentType !== protobuf) return decodeBody<T>(kind, body, { fieldValidation, contentType }, schemaName)
  const { protobufToJson } = await import('../protobuf/decode.ts')
  return decodeBody<T>(kind, protobufToJson(body, schemaName), { fieldValidation: 'Ignore' }, schemaName)
}
