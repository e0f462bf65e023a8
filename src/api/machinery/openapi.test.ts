import { describe, expect, test } from 'vitest'
import { declareResource } from '../resource.ts'
import { openApiV3Document } from './openapi.ts'

const service = declareResource({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  namespaced: true,
  status: {},
  columns: [],
})
const deployment = declareResource({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  namespaced: true,
  status: {},
  scale: { get: () => ({ specReplicas: 0, statusReplicas: 0, selector: '' }), set: () => {} },
  columns: [],
})

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

const document = (groupVersion: string) =>
  openApiV3Document(groupVersion, [service, deployment], { descriptionsDir: '/nowhere' }) as unknown as Document

describe('OpenAPI v3', () => {
  test('says that writes take fieldValidation and strategic merge patches, which kubectl looks for', () => {
    const patch = document('v1').paths['/api/v1/namespaces/{namespace}/services/{name}']?.['patch']
    expect(patch?.['x-kubernetes-group-version-kind']).toEqual({ group: '', kind: 'Service', version: 'v1' })
    expect(patch?.parameters.map((p) => p.name)).toEqual(['dryRun', 'fieldManager', 'fieldValidation', 'force'])
    expect(Object.keys(patch?.requestBody.content ?? {})).toContain('application/strategic-merge-patch+json')
  })

  test('has the paths of the group version and of its subresources', () => {
    expect(Object.keys(document('apps/v1').paths).sort()).toEqual([
      '/apis/apps/v1/',
      '/apis/apps/v1/deployments',
      '/apis/apps/v1/namespaces/{namespace}/deployments',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status',
    ])
  })

  test('has no objects of what is only asked', () => {
    const review = declareResource({
      group: 'authorization.k8s.io',
      version: 'v1',
      kind: 'SelfSubjectAccessReview',
      plural: 'selfsubjectaccessreviews',
      singular: 'selfsubjectaccessreview',
      namespaced: false,
      verbs: ['create'],
      columns: [],
    })
    const { paths } = openApiV3Document('authorization.k8s.io/v1', [review], { descriptionsDir: '/nowhere' })
    const base = '/apis/authorization.k8s.io/v1/'
    expect(Object.keys(paths as object)).toEqual([base, `${base}selfsubjectaccessreviews`])
  })

  test('lists carry what strategic merge patches and server-side apply need', () => {
    const { schemas } = document('v1').components
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
    const { schemas } = document('v1').components
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
    for (const groupVersion of ['v1', 'apps/v1']) {
      const made = document(groupVersion)
      const text = JSON.stringify(made)
      for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
        expect(made.components.schemas).toHaveProperty([name])
      }
      const ids = [...text.matchAll(/"operationId":"([^"]+)"/g)].map((m) => m[1])
      expect(new Set(ids).size).toBe(ids.length)
    }
  })

  test('only objects of their own have a kind', () => {
    const { schemas } = document('apps/v1').components
    const kinds = Object.entries(schemas).filter(([, schema]) => 'x-kubernetes-group-version-kind' in schema)
    expect(kinds.map(([name]) => name.slice(name.lastIndexOf('.') + 1)).sort()).toEqual([
      'APIResourceList',
      'DeleteOptions',
      'Deployment',
      'DeploymentList',
      'Scale',
      'Status',
    ])
  })
})
