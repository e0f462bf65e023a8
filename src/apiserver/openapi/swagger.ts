/**
 * OpenAPI v2 (Swagger 2.0) made of OpenAPI v3: clients that are older, or written to it, validate and explain with it. It
 * says less: nothing of defaults and of values that may have several types, as upstream's. Pure.
 */
import type { Json } from './json.ts'

/** `document` as `openApiDocument` makes it, of everything. */
export function swaggerDocument(document: Json): Json {
  const { schemas, securitySchemes } = document['components'] as { schemas: Json; securitySchemes: Json }
  return {
    swagger: '2.0',
    info: document['info'],
    paths: mapValues(document['paths'] as Json, (path, name) => pathItem(withoutCustomKinds(name, path as Json))),
    definitions: mapValues(schemas, (of) => schema(of as Json)),
    securityDefinitions: securitySchemes,
    security: [{ BearerToken: [] }],
  }
}

/**
 * Of a kind that cannot be patched (a review) kubectl asks whether patches of Namespaces take these parameters, and if
 * they do, lists the CustomResourceDefinitions, which there are none of: then nothing of that kind could be created.
 */
const askedOfNamespaces = ['dryRun', 'fieldValidation']

function withoutCustomKinds(name: string, path: Json): Json {
  if (name !== '/api/v1/namespaces/{name}') return path
  const patch = path['patch'] as Json & { readonly parameters: readonly Json[] }
  const parameters = patch.parameters.filter((of) => !askedOfNamespaces.includes(String(of['name'])))
  return { ...path, patch: { ...patch, parameters } }
}

function mapValues(object: Json, change: (value: unknown, key: string) => unknown): Json {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]))
}

function pathItem(path: Json): Json {
  return mapValues(path, (value, key) =>
    key === 'parameters' ? (value as Json[]).map(parameter) : operation(value as Json),
  )
}

/** Parameters that are no bodies have simple types, which stand in themselves. */
function parameter({ schema: of, ...rest }: Json): Json {
  return { ...rest, ...(of as Json) }
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Json }>>
}

function operation({ requestBody, parameters, responses, ...rest }: Json): Json {
  const body = requestBody as (Content & { required?: boolean }) | undefined
  const answers = responses as Record<string, Content & { description: string }>
  const all = [
    ...(body ? [bodyParameter(body)] : []),
    ...((parameters as readonly Json[] | undefined) ?? []).map(parameter),
  ]
  return {
    ...rest,
    consumes: Object.keys(body?.content ?? { '*/*': {} }),
    produces: [...new Set(Object.values(answers).flatMap(({ content = {} }) => Object.keys(content)))],
    schemes: ['https'],
    ...(all.length > 0 && { parameters: all }),
    responses: mapValues(answers, (answer) => response(answer as (typeof answers)[string])),
  }
}

function bodyParameter({ content, required }: Content & { readonly required?: boolean }): Json {
  return { name: 'body', in: 'body', ...(required && { required }), schema: schemaIn(content) }
}

function response({ description, content }: Content & { readonly description: string }): Json {
  return { description, ...(content && { schema: schemaIn(content) }) }
}

/** The same in every media type. */
function schemaIn(content: Content['content'] = {}): Json {
  return schema(Object.values(content)[0]?.schema ?? {})
}

/** Without what only v3 has words for. */
function schema(of: Json): Json {
  const { allOf, oneOf, ...rest } = of
  delete rest['default']
  // What v3 has to wrap to describe it: one reference.
  const wrapped = (allOf as readonly Json[] | undefined)?.[0]
  return {
    ...mapValues({ ...rest, ...wrapped }, keyword),
    ...(oneOf !== undefined && { type: 'string' }),
  }
}

function keyword(value: unknown, name: string): unknown {
  switch (name) {
    case '$ref':
      return String(value).replace('#/components/schemas/', '#/definitions/')
    case 'properties':
      return mapValues(value as Json, (of) => schema(of as Json))
    case 'items':
    case 'additionalProperties':
      return schema(value as Json)
    default:
      return value
  }
}
