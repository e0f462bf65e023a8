/** `openapi.v2.Document` of gnostic, as far as the documents of this server go. Numbers are those of its OpenAPIv2.proto. */
import { encodeDocument, entries, type Field, type Fields, flag, message, repeated, text, within } from './gnostic.ts'
import type { Json } from './json.ts'

export function encodeSwagger(document: Json): Buffer {
  return encodeDocument(documentFields, document)
}

/** Schemas contain schemas. */
const schema: Field = (number, value) => schemaMessage(number, value)

const schemaFields: Fields = {
  $ref: [1, text],
  format: [2, text],
  description: [4, text],
  required: [19, repeated(text)],
  additionalProperties: [21, within(1, schema)],
  type: [22, within(1, text)],
  items: [23, within(1, schema)],
  properties: [25, entries(1, schema)],
}
const schemaMessage = message(schemaFields, 31)

const bodyFields: Fields = {
  description: [1, text],
  name: [2, text],
  in: [3, text],
  required: [4, flag],
  schema: [5, schema],
}

const queryFields: Fields = {
  required: [1, flag],
  in: [2, text],
  description: [3, text],
  name: [4, text],
  type: [6, text],
  uniqueItems: [20, flag],
}

const pathFields: Fields = { ...queryFields, type: [5, text], uniqueItems: [19, flag] }

const body = within(1, message(bodyFields))
const inQuery = within(2, within(3, message(queryFields)))
const inPath = within(2, within(4, message(pathFields)))

/** `ParametersItem { parameter = 1 }` */
const parameter: Field = (number, value) => {
  const place = (value as Json)['in']
  return within(1, place === 'body' ? body : place === 'path' ? inPath : inQuery)(number, value)
}

const response = within(1, message({ description: [1, text], schema: [2, within(1, schema)] }))

const operation = message(
  {
    tags: [1, repeated(text)],
    description: [3, text],
    operationId: [5, text],
    produces: [6, repeated(text)],
    consumes: [7, repeated(text)],
    parameters: [8, repeated(parameter)],
    responses: [9, entries(1, response)],
    schemes: [10, repeated(text)],
  },
  13,
)

const pathItem = message({
  get: [2, operation],
  put: [3, operation],
  post: [4, operation],
  delete: [5, operation],
  options: [6, operation],
  head: [7, operation],
  patch: [8, operation],
  parameters: [9, repeated(parameter)],
})

const apiKey = within(2, message({ type: [1, text], name: [2, text], in: [3, text], description: [4, text] }))

const documentFields: Fields = {
  swagger: [1, text],
  info: [2, message({ title: [1, text], version: [2, text] })],
  paths: [8, entries(2, pathItem)],
  definitions: [9, entries(1, schema)],
  security: [12, repeated(entries(1, within(1, repeated(text))))],
  securityDefinitions: [13, entries(1, apiKey)],
}
