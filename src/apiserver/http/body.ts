/** Which bodies a write accepts. */
import { unsupportedMediaType } from './errors.ts'

const bodyTypes: readonly string[] = ['application/json', 'application/yaml']

/** The media type of a request without its parameters, in lower case; '' when none is given. */
export function mediaType(headers: Readonly<Record<string, string>>): string {
  return (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

/** No type means JSON. */
export function requireBodyType({ headers }: { headers: Readonly<Record<string, string>> }): string {
  const type = mediaType(headers) || 'application/json'
  if (!bodyTypes.includes(type)) throw unsupportedMediaType(bodyTypes)
  return type
}
