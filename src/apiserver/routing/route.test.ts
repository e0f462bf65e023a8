import { describe, expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { Registry } from '../registry.ts'
import { isWellEscaped, parseTarget, routeResource } from './route.ts'

const registry = new Registry(definitions)

describe('a resource path names', () => {
  test.each([
    ['/api/v1/pods', 'pods', '', '', ''],
    ['/api/v1/namespaces', 'namespaces', '', '', ''],
    ['/api/v1/namespaces/demo', 'namespaces', '', 'demo', ''],
    ['/api/v1/namespaces/demo/finalize', 'namespaces', '', 'demo', 'finalize'],
    ['/api/v1/namespaces/demo/pods', 'pods', 'demo', '', ''],
    ['/api/v1/namespaces/demo/pods/web', 'pods', 'demo', 'web', ''],
    ['/api/v1/namespaces/demo/pods/web/log', 'pods', 'demo', 'web', 'log'],
    ['/api/v1/nodes/node-1/status', 'nodes', '', 'node-1', 'status'],
    ['/apis/apps/v1/namespaces/demo/deployments/web/scale', 'deployments', 'demo', 'web', 'scale'],
  ])('%s', (path, plural, namespace, name, subresource) => {
    const route = routeResource(registry, path)
    expect(route).toMatchObject({ namespace, name, subresource })
    expect(route?.resource.definition.plural).toBe(plural)
  })

  test.each([
    '/api/v1',
    '/apis/apps',
    '/api/v1/foos',
    '/apis/apps/v2/deployments',
    '/api/v1/pods/web',
    '/api/v1/namespaces/demo/nodes/x',
    '/api/v1//pods',
    '/api/v1/namespaces/../pods',
    '/healthz',
  ])('nothing: %s', (path) => expect(routeResource(registry, path)).toBeUndefined())
})

test.each([
  ['/api/v1/namespaces/%64emo', '/api/v1/namespaces/demo'],
  ['/api/v1/namespaces/demo/pods/a%2Fb', '/api/v1/namespaces/demo/pods/a/b'],
  ['/api/v1/namespaces/demo/pods/%25', '/api/v1/namespaces/demo/pods/%'],
  ['/api/v1/namespaces/demo/pods/%E2%82%AC', '/api/v1/namespaces/demo/pods/€'],
  ['/api/v1/namespaces/demo/pods/%ff', '/api/v1/namespaces/demo/pods/\ufffd'],
])('%s is %s', (target, path) => {
  expect(isWellEscaped(target)).toBe(true)
  expect(parseTarget(`${target}?watch=1`).path).toBe(path)
})

test.each(['/%', '/%4', '/%zz', '/a%2'])('%s is no path', (path) => {
  expect(isWellEscaped(path)).toBe(false)
})
