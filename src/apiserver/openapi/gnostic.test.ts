/** The protobuf forms say what the JSON forms say: decoded by another program's hand, with gnostic's own numbers. */
import { join } from 'node:path'
import protobufjs from 'protobufjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { Registry } from '../registry.ts'
import { openApiDocument } from './document.ts'
import { encodeSwagger } from './gnostic-v2.ts'
import { encodeOpenApi } from './gnostic-v3.ts'
import type { Json } from './json.ts'
import { openApiResources } from './resources.ts'
import { swaggerDocument } from './swagger.ts'

const resources = openApiResources(new Registry(definitions))
/** Every shape that there is, in a fraction of the documents. */
const names = ['api', 'apis/events.k8s.io/v1', 'apis/networking.k8s.io/v1', 'version']
let document: Json
beforeAll(() => {
  document = openApiDocument(names, resources, { version: 'v1.36.0', descriptionsDir: '/nowhere' })
})

function decoded(version: 'v2' | 'v3', bytes: Buffer): unknown {
  const root = protobufjs.loadSync(join(import.meta.dirname, `gnostic-${version}.proto`))
  return jsonOf(root.lookupType(`openapi.${version}.Document`).decode(bytes))
}

/** As JSON writes it what gnostic wraps. */
function jsonOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonOf)
  if (!(value instanceof protobufjs.Message)) return value
  const { $type: type } = value as protobufjs.Message & { $type: protobufjs.Type }
  const fields = value as unknown as Record<string, unknown>
  const [first] = type.fieldsArray
  if (type.name === 'Any') return JSON.parse(String(fields['yaml']))
  if (type.name === 'TypeItem') return (fields['value'] as unknown[])[0]
  if (type.name === 'StringArray') return fields['value']
  if (type.name === 'ItemsItem') return jsonOf((fields[first!.name] as unknown[])[0])
  if (type.oneofsArray.length > 0) return jsonOf(Object.values(fields)[0])
  if (type.fieldsArray.length === 1 && first!.type.startsWith('Named')) return named(fields[first!.name])
  const present = Object.entries(fields).filter(([, field]) => !Array.isArray(field) || field.length > 0)
  return Object.fromEntries(
    present.flatMap(([name, field]) =>
      name.endsWith('Extension') ? Object.entries(named(field)) : [[name === '_ref' ? '$ref' : name, jsonOf(field)]],
    ),
  )
}

function named(items: unknown): Json {
  const pairs = (items ?? []) as readonly { readonly name: string; readonly value: unknown }[]
  return Object.fromEntries(pairs.map(({ name, value }) => [name, jsonOf(value)]))
}

/** Defaults that are objects have no place in v3. */
function withoutObjectDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutObjectDefaults)
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).filter(
    ([name, of]) => !(name === 'default' && typeof of === 'object' && isEmpty(of)),
  )
  return Object.fromEntries(kept.map(([name, of]) => [name, withoutObjectDefaults(of)]))
}

const isEmpty = (object: object | null) => object !== null && Object.keys(object).length === 0

describe('the protobuf form', () => {
  test('of OpenAPI v2 says what JSON says', () => {
    const swagger = swaggerDocument(document)
    expect(decoded('v2', encodeSwagger(swagger))).toEqual(swagger)
  })

  test('of OpenAPI v3 says what JSON says', () => {
    expect(decoded('v3', encodeOpenApi(document))).toEqual(withoutObjectDefaults(document))
  })
})
