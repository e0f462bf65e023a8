import { beforeAll, describe, expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { Registry } from '../registry.ts'
import { documentNames, openApiDocument } from './document.ts'
import type { Json } from './json.ts'
import { openApiResources } from './resources.ts'
import { swaggerDocument } from './swagger.ts'

interface Swagger {
  readonly definitions: Readonly<Record<string, Json & { readonly properties?: Readonly<Record<string, Json>> }>>
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>
}

const resources = openApiResources(new Registry(definitions))
const core = 'io.k8s.api.core.v1'
const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1'

let swagger: Swagger
beforeAll(() => {
  const options = { version: 'v1.36.0', descriptionsDir: '/nowhere' }
  swagger = swaggerDocument(openApiDocument(documentNames(resources), resources, options)) as unknown as Swagger
})

describe('OpenAPI v2', () => {
  test('has a definition of every kind that is served, under its group, version and kind', () => {
    const known = Object.values(swagger.definitions).flatMap((of) => of['x-kubernetes-group-version-kind'] ?? [])
    for (const { group, version, kind } of resources) expect(known).toContainEqual({ group, kind, version })
  })

  test('every reference leads to a definition, and v3 has left no trace', () => {
    const text = JSON.stringify(swagger)
    for (const [, name = ''] of text.matchAll(/"#\/definitions\/([^"]+)"/g)) {
      expect(swagger.definitions).toHaveProperty([name])
    }
    expect(text).not.toMatch(/#\/components|requestBody|"allOf"|"oneOf"|"content"/)
  })

  test('fields refer to types without a wrapping, and lists say how they merge', () => {
    expect(swagger.definitions[`${core}.ServiceSpec`]?.properties).toMatchObject({
      sessionAffinityConfig: { $ref: `#/definitions/${core}.SessionAffinityConfig` },
    })
    expect(swagger.definitions[`${core}.ServiceSpec`]?.properties?.['ports']).toEqual({
      type: 'array',
      items: { $ref: `#/definitions/${core}.ServicePort` },
      'x-kubernetes-patch-merge-key': 'port',
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
    })
  })

  test('what may have several types is a string', () => {
    expect(swagger.definitions['io.k8s.apimachinery.pkg.api.resource.Quantity']).toEqual({ type: 'string' })
    expect(swagger.definitions['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).toEqual({
      type: 'string',
      format: 'int-or-string',
    })
  })

  test('kubectl does not look for CustomResourceDefinitions behind kinds that cannot be patched', () => {
    const names = (path: string) =>
      (swagger.paths[path]?.['patch']?.['parameters'] as Json[] | undefined)?.map(({ name }) => name)
    expect(names('/api/v1/namespaces/{name}')).toEqual(['body', 'fieldManager', 'force'])
    expect(names('/api/v1/nodes/{name}')).toContain('fieldValidation')
  })

  test('an operation has its body among its parameters', () => {
    const { patch, parameters } = swagger.paths['/api/v1/namespaces/{namespace}/services/{name}'] ?? {}
    expect(patch).toMatchObject({
      operationId: 'patchCoreV1NamespacedService',
      consumes: expect.arrayContaining(['application/strategic-merge-patch+json']),
      produces: ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'],
      schemes: ['https'],
      responses: { 200: { description: 'OK', schema: { $ref: `#/definitions/${core}.Service` } } },
      'x-kubernetes-action': 'patch',
    })
    expect(patch?.['parameters']).toContainEqual({
      name: 'body',
      in: 'body',
      required: true,
      schema: { $ref: `#/definitions/${metaPackage}.Patch` },
    })
    expect(patch?.['parameters']).toContainEqual({
      name: 'dryRun',
      in: 'query',
      description: expect.any(String),
      type: 'string',
      uniqueItems: true,
    })
    expect(parameters).toContainEqual(expect.objectContaining({ name: 'namespace', in: 'path', required: true }))
  })
})
