/** `openapi.v3.Document` of gnostic, as far as the documents of this server go. Numbers are those of its OpenAPIv3.proto. */
import {
  bool,
  double,
  encodeDocument,
  entries,
  type Field,
  type Fields,
  flag,
  message,
  repeated,
  text,
  within,
} from './gnostic.ts'
import type { Json } from './json.ts'

export function encodeOpenApi(document: Json): Buffer {
  return encodeDocument(documentFields, document)
}

/** `SchemaOrReference { schema = 1, reference = 2 { _ref = 1 } }`; schemas contain schemas. */
const schema: Field = (number, value) => {
  const { $ref } = value as Json
  return $ref === undefined ? within(1, schemaMessage)(number, value) : within(2, within(1, text))(number, $ref)
}

/** `DefaultType { number = 1, boolean = 2, string = 3 }`, zeros as well. It has no place for objects. */
const byDefault: Field = (number, value) => {
  switch (typeof value) {
    case 'number':
      return within(1, double)(number, value)
    case 'boolean':
      return within(2, bool)(number, value)
    case 'string':
      return within(3, text)(number, value)
    default:
      return []
  }
}

const schemaMessage = message(
  {
    required: [23, repeated(text)],
    type: [25, text],
    allOf: [26, repeated(schema)],
    oneOf: [27, repeated(schema)],
    items: [30, within(1, schema)],
    properties: [31, entries(1, schema)],
    additionalProperties: [32, within(1, schema)],
    default: [33, byDefault],
    description: [34, text],
    format: [35, text],
    uniqueItems: [20, flag],
  },
  36,
)

const content = entries(1, message({ schema: [1, schema] }))

const parameter = within(
  1,
  message({ name: [1, text], in: [2, text], description: [3, text], required: [4, flag], schema: [10, schema] }),
)

const requestBody = within(1, message({ content: [2, content], required: [3, flag] }))

const response = within(1, message({ description: [1, text], content: [3, content] }))

const operation = message(
  {
    tags: [1, repeated(text)],
    description: [3, text],
    operationId: [5, text],
    parameters: [6, repeated(parameter)],
    requestBody: [7, requestBody],
    responses: [8, entries(2, response)],
  },
  13,
)

const pathItem = message({
  get: [4, operation],
  put: [5, operation],
  post: [6, operation],
  delete: [7, operation],
  options: [8, operation],
  head: [9, operation],
  patch: [10, operation],
  parameters: [13, repeated(parameter)],
})

const apiKey = within(1, message({ type: [1, text], description: [2, text], name: [3, text], in: [4, text] }))

const documentFields: Fields = {
  openapi: [1, text],
  info: [2, message({ title: [1, text], version: [6, text] })],
  paths: [4, entries(1, pathItem)],
  components: [5, message({ schemas: [1, entries(1, schema)], securitySchemes: [7, entries(1, apiKey)] })],
}
