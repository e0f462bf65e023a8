import { describe, expect, test } from 'vitest'
import { allVerbs } from '../registry.ts'
import { documentNames, openApiDocument } from './document.ts'
import type { OpenApiResource } from './resources.ts'

const served: OpenApiResource = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
  verbs: allVerbs,
  subresources: [],
  status: true,
  scale: false,
  returnsDeleted: true,
}
const deployment = { ...served, group: 'apps', kind: 'Deployment', plural: 'deployments', scale: true }
const options = { version: 'v1.36.0', descriptionsDir: '/nowhere' }

interface Operation {
  parameters: { name: string; in: string }[]
  requestBody: { content: Record<string, unknown> }
  'x-kubernetes-group-version-kind': object
  'x-kubernetes-action': string
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { properties?: Record<string, Record<string, unknown>> }> }
}

const document = (name: string) => openApiDocument([name], [served, deployment], options) as unknown as Document

describe('OpenAPI v3', () => {
  test('says that writes take fieldValidation and strategic merge patches, which kubectl looks for', () => {
    const patch = document('api/v1').paths['/api/v1/namespaces/{namespace}/services/{name}']?.['patch']
    expect(patch?.['x-kubernetes-group-version-kind']).toEqual({ group: '', kind: 'Service', version: 'v1' })
    expect(patch?.parameters.map((p) => p.name)).toEqual(['dryRun', 'fieldManager', 'fieldValidation', 'force'])
    expect(Object.keys(patch?.requestBody.content ?? {})).toContain('application/strategic-merge-patch+json')
  })

  test('has the paths of the group version and of its subresources', () => {
    expect(Object.keys(document('apis/apps/v1').paths).sort()).toEqual([
      '/apis/apps/v1/',
      '/apis/apps/v1/deployments',
      '/apis/apps/v1/namespaces/{namespace}/deployments',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status',
      '/apis/apps/v1/watch/deployments',
      '/apis/apps/v1/watch/namespaces/{namespace}/deployments',
      '/apis/apps/v1/watch/namespaces/{namespace}/deployments/{name}',
    ])
  })

  test('has no objects of what is only asked', () => {
    const review = {
      ...served,
      group: 'authorization.k8s.io',
      kind: 'SelfSubjectAccessReview',
      plural: 'selfsubjectaccessreviews',
      namespaced: false,
      verbs: ['create'],
      status: false,
    }
    const { paths } = openApiDocument(['apis/authorization.k8s.io/v1'], [review], options)
    const base = '/apis/authorization.k8s.io/v1/'
    expect(Object.keys(paths as object)).toEqual([base, `${base}selfsubjectaccessreviews`])
  })

  test('lists carry what strategic merge patches and server-side apply need', () => {
    const { schemas } = document('api/v1').components
    expect(schemas['io.k8s.api.core.v1.ServiceSpec']?.properties?.['ports']).toEqual({
      type: 'array',
      items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.ServicePort' }], default: {} },
      'x-kubernetes-patch-merge-key': 'port',
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
    })
    expect(schemas['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']?.properties?.['finalizers']).toMatchObject({
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-list-type': 'set',
    })
  })

  test('say what has one owner as a whole, what not, and what is there when it is left out', () => {
    const { schemas } = document('api/v1').components
    const core = 'io.k8s.api.core.v1'
    expect(schemas['io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference']).toMatchObject({
      'x-kubernetes-map-type': 'atomic',
    })
    expect(schemas[`${core}.ServiceSpec`]?.properties).toMatchObject({
      selector: { 'x-kubernetes-map-type': 'atomic' },
      externalIPs: { 'x-kubernetes-list-type': 'atomic' },
    })
    expect(schemas[`${core}.ServicePort`]?.properties).toMatchObject({
      protocol: { default: 'TCP' },
      port: { default: 0 },
      nodePort: expect.not.objectContaining({ default: expect.anything() }),
    })
  })

  test('every reference leads to a schema, and operation ids are unique', () => {
    for (const name of ['api/v1', 'apis/apps/v1']) {
      const made = document(name)
      const text = JSON.stringify(made)
      for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
        expect(made.components.schemas).toHaveProperty([name])
      }
      const ids = [...text.matchAll(/"operationId":"([^"]+)"/g)].map((m) => m[1])
      expect(new Set(ids).size).toBe(ids.length)
    }
  })

  test('only objects of their own have a kind', () => {
    const { schemas } = document('apis/apps/v1').components
    const kinds = Object.entries(schemas).filter(([, schema]) => 'x-kubernetes-group-version-kind' in schema)
    expect(kinds.map(([name]) => name.slice(name.lastIndexOf('.') + 1)).sort()).toEqual([
      'APIResourceList',
      'DeleteOptions',
      'Deployment',
      'DeploymentList',
      'Scale',
      'Status',
      'WatchEvent',
    ])
  })

  test('there is one for each group and version, and for the other pages', () => {
    expect(documentNames([served, deployment])).toEqual([
      '.well-known/openid-configuration',
      'api',
      'api/v1',
      'apis',
      'apis/apps',
      'apis/apps/v1',
      'openid/v1/jwks',
      'version',
    ])
  })
})
