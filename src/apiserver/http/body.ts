/** Request bodies: which types a write accepts, and the object in them. */
import { decodeBody, type GroupVersionKind } from '../../api/machinery/body.ts'
import type { FieldValidation } from '../../api/machinery/decode.ts'
import type { ResourceRequest } from '../context.ts'
import { loadProtobuf } from '../protobuf/lazy.ts'
import { unsupportedMediaType } from './errors.ts'
import { readYaml } from './yaml.ts'

const protobufType = 'application/vnd.kubernetes.protobuf'
const bodyTypes: readonly string[] = ['application/json', 'application/yaml', protobufType]

type WithBody = Pick<ResourceRequest, 'headers' | 'body' | 'warnings'>

/** The media type of a request without its parameters, in lower case; '' when none is given. */
export function mediaType(headers: Readonly<Record<string, string>>): string {
  return (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

/**
 * The body as an object of a kind; no type means JSON. What it is warned of goes into the request's warnings.
 * `schemaName` as for `decodeBody`. Throws StatusError.
 */
export async function readBody<T>(
  request: WithBody,
  kind: GroupVersionKind,
  { fieldValidation }: { fieldValidation: FieldValidation },
  schemaName?: string,
): Promise<T> {
  const contentType = mediaType(request.headers) || 'application/json'
  if (!bodyTypes.includes(contentType)) throw unsupportedMediaType(bodyTypes)
  if (contentType === protobufType) {
    const { decodeProtobufBody } = await loadProtobuf()
    return decodeProtobufBody(kind, request.body, schemaName) as T
  }
  const { object, warnings } = await decodeBody<T>(
    kind,
    request.body,
    { fieldValidation, contentType, readYaml },
    schemaName,
  )
  for (const warning of warnings) request.warnings.add(warning)
  return object
}
