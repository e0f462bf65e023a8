import { expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { Registry } from '../registry.ts'
import { startTestServer } from '../test-server.ts'
import { acceptedVersion, groupDiscoveryList } from './aggregated.ts'
import { apiResourceList } from './documents.ts'

type GroupDiscoveryList = ReturnType<typeof groupDiscoveryList>

const asList = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`

test.each([
  ['what client-go sends', `${asList('v2')},${asList('v2beta1')},application/json`, 'v2'],
  ['an older client-go', `${asList('v2beta1')},application/json`, 'v2beta1'],
  ['a version nobody knows, then the classic form', `${asList('v9')},application/json`, undefined],
  ['the classic form first', `application/json,${asList('v2')}`, undefined],
  ['another list', 'application/json;as=Table;g=meta.k8s.io;v=v1', undefined],
  ['nothing', '', undefined],
])('%s', (_, accept, version) => expect(acceptedVersion(accept)).toBe(version))

test('the aggregated form says of every resource and subresource what the classic one says', () => {
  const registry = new Registry(definitions)
  const aggregated = (['api', 'apis'] as const)
    .flatMap((root) => groupDiscoveryList(registry, root, 'v2').items)
    .flatMap(({ versions }) => versions.flatMap(({ resources }) => resources))
    .flatMap(({ resource, verbs, subresources = [] }) => [
      { name: resource, verbs },
      ...subresources.map((sub) => ({ name: `${resource}/${sub.subresource}`, verbs: sub.verbs })),
    ])
  const classic = registry.groupVersions
    .flatMap((gv) => apiResourceList(gv).resources)
    .map(({ name, verbs }) => ({ name, verbs }))
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  expect(aggregated.sort(byName)).toEqual(classic.sort(byName))
})

test('clients get it at /api and /apis, and 304 while it is the same', async () => {
  await using server = await startTestServer()
  const get = async (path: string, headers: Record<string, string>) => {
    const { status, headers: sent, body } = await server.request('GET', path, undefined, headers)
    const { text } = body
    const document: unknown = typeof text === 'string' && text ? JSON.parse(text) : body
    return { status, headers: sent, body: document as GroupDiscoveryList }
  }
  const first = await get('/apis', { accept: `${asList('v2')},application/json` })
  expect(first.headers).toMatchObject({ 'content-type': asList('v2'), vary: 'Accept' })
  const deployments = first.body.items
    .find(({ metadata }) => 'name' in metadata && metadata.name === 'apps')
    ?.versions[0]?.resources.find(({ resource }) => resource === 'deployments')
  expect(deployments).toEqual({
    resource: 'deployments',
    responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    scope: 'Namespaced',
    singularResource: 'deployment',
    verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    shortNames: ['deploy'],
    categories: ['all'],
    subresources: [
      {
        subresource: 'scale',
        responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
        verbs: ['get', 'patch', 'update'],
      },
      {
        subresource: 'status',
        responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
        verbs: ['get', 'patch', 'update'],
      },
    ],
  })
  const again = await get('/apis', { accept: asList('v2'), 'if-none-match': first.headers['etag'] ?? '' })
  expect(again.status).toBe(304)
  const core = await get('/api', { accept: asList('v2beta1') })
  expect(core.body).toMatchObject({ apiVersion: 'apidiscovery.k8s.io/v2beta1', items: [{ metadata: {} }] })
  const classic = await get('/apis', { accept: 'application/json' })
  expect(classic.body).toMatchObject({ kind: 'APIGroupList' })
})
