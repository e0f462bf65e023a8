import { expect, test } from 'vitest'
import { proxyTarget, splitSchemeNamePort } from './target.ts'

test.each([
  ['/api/v1/namespaces/demo/services/web/proxy', { plural: 'services', namespace: 'demo', id: 'web', path: '' }],
  ['/api/v1/namespaces/demo/pods/https:web-0:443/proxy/', { plural: 'pods', id: 'https:web-0:443', path: '/' }],
  ['/api/v1/namespaces/demo/pods/web-0%3A80/proxy/a%2Fb//c', { id: 'web-0:80', path: '/a%2Fb//c' }],
  ['/api/v1/nodes/node-1/proxy/metrics?x=1&y', { plural: 'nodes', namespace: '', path: '/metrics', search: '?x=1&y' }],
  ['/api/v1/namespaces/demo/services/proxy/proxy/x', { id: 'proxy', path: '/x' }],
])('%s', (target, expected) => expect(proxyTarget(target)).toMatchObject(expected))

test.each([
  '/api/v1/namespaces/demo/services/web',
  '/api/v1/namespaces/demo/services/web/proxyx',
  '/api/v1/namespaces/demo/configmaps/web/proxy/',
  '/api/v1/nodes/proxy',
  '/apis/apps/v1/namespaces/demo/deployments/web/proxy',
  '/api/v1/namespaces/demo/services/%zz/proxy',
  '/api/v1/namespaces/demo/services/a%2Fb/proxy',
])('not a proxy request: %s', (target) => expect(proxyTarget(target)).toBeUndefined())

test.each([
  ['web', { scheme: '', name: 'web', port: '' }],
  ['web:', { scheme: '', name: 'web', port: '' }],
  ['web:http', { scheme: '', name: 'web', port: 'http' }],
  ['https:web:443', { scheme: 'https', name: 'web', port: '443' }],
  ['https:web:', { scheme: 'https', name: 'web', port: '' }],
  [':web:80', { scheme: '', name: 'web', port: '80' }],
  ['ftp:web:21', undefined],
  [':80', undefined],
  ['a:b:c:d', undefined],
  ['', undefined],
])('%j', (id, expected) => expect(splitSchemeNamePort(id)).toEqual(expected))
