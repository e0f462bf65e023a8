/** One operation of a path, as OpenAPI v3 describes it. */
import type { Json } from './json.ts'

const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const streamTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']

/** What answers come in, by what is asked for. */
export const produces = {
  object: mediaTypes,
  list: [...mediaTypes, ...streamTypes],
  text: ['text/plain', ...mediaTypes],
  stream: ['*/*'],
} as const

export const anyBody: readonly string[] = ['*/*']
export const patchTypes: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

export interface Operation {
  readonly id: string
  readonly tag: string
  readonly description: string
  /** Absent of pages that are no resources. */
  readonly action?: string
  /** GroupVersionKind of what the operation is about. */
  readonly kind?: Json
  readonly parameters?: readonly Json[]
  readonly body?: { readonly types: readonly string[]; readonly schema: Json; readonly optional?: boolean }
  readonly answer: Json
  readonly produces: readonly string[]
  /** Descriptions by status code; each has the answer. */
  readonly codes: Readonly<Record<string, string>>
}

export const ok = { 200: 'OK' } as const
export const okOrCreated = { ...ok, 201: 'Created' } as const
export const okOrAccepted = { ...ok, 202: 'Accepted' } as const

export function operation(of: Operation): Json {
  const content = (types: readonly string[], schema: Json) =>
    Object.fromEntries(types.map((type) => [type, { schema }]))
  const answers = Object.entries(of.codes).map(([code, description]) => [
    code,
    { description, content: content(of.produces, of.answer) },
  ])
  return {
    description: of.description,
    tags: [of.tag],
    operationId: of.id,
    ...(of.parameters?.length && { parameters: of.parameters }),
    ...(of.body && {
      requestBody: { content: content(of.body.types, of.body.schema), ...(!of.body.optional && { required: true }) },
    }),
    responses: { ...Object.fromEntries(answers), 401: { description: 'Unauthorized' } },
    ...(of.action && { 'x-kubernetes-action': of.action }),
    ...(of.kind && { 'x-kubernetes-group-version-kind': of.kind }),
  }
}
