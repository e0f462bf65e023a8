/**
 * What is described against what Kubernetes describes: the typed client for JavaScript is generated from the OpenAPI
 * document of its release, one method for each operation but those of the older form of watches.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { Registry } from '../registry.ts'
import { documentNames, openApiDocument } from './document.ts'
import type { Json } from './json.ts'
import { capital } from './names.ts'
import { openApiResources } from './resources.ts'

/** Parameters of features that are switched off in this release. */
const switchedOff = ['ignoreStoreReadErrorWithClusterBreakingPotential', 'shardSelector']

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch']

const resources = openApiResources(new Registry(definitions))
const { paths } = openApiDocument(documentNames(resources), resources, {
  version: 'v1.36.0',
  descriptionsDir: '/nowhere',
})

interface Parameter {
  readonly name: string
  readonly in: string
}

/** `GET /api/v1/pods listPodForAllNamespaces continue,limit`, without the group and version that ids have. */
function described(): string[] {
  return Object.entries(paths as Record<string, Record<string, Json> & { parameters?: Parameter[] }>)
    .filter(([path]) => !path.includes('/watch/'))
    .flatMap(([path, { parameters: shared = [], ...item }]) =>
      Object.entries(item).map(([method, { operationId, tags, parameters = [] }]) => {
        const asked = [...shared, ...(parameters as Parameter[])].filter((parameter) => parameter.in === 'query')
        return line({
          method,
          path,
          id: shortId(String(operationId), String(tags)),
          names: asked.map(({ name }) => name),
        })
      }),
    )
}

/** The client leaves out what the class of the method says. */
function shortId(id: string, tag: string): string {
  return id.replace(tag.split('_').map(capital).join(''), '')
}

interface Line {
  readonly method: string
  readonly path: string
  readonly id: string
  readonly names: readonly string[]
}

function line({ method, path, id, names }: Line): string {
  const asked = names.filter((name) => !switchedOff.includes(name)).sort()
  return [method.toUpperCase(), path, id, asked.join()].join(' ').trim()
}

/** The same of the client, for what is served. */
function generated(): string[] {
  const require = createRequire(import.meta.url)
  const folder = join(dirname(require.resolve('@kubernetes/client-node')), 'gen/apis')
  return readdirSync(folder)
    .filter((file) => file.endsWith('Api.js'))
    .flatMap((file) => operationsIn(readFileSync(join(folder, file), 'utf8')))
    .filter(({ path }) => isServed(path))
    .map(line)
}

function operationsIn(source: string): Line[] {
  const requests = source.split('ResponseProcessor {')[0] ?? ''
  return requests
    .split('\n    async ')
    .slice(1)
    .map((text) => ({
      id: text.slice(0, text.indexOf('(')),
      path: /localVarPath = '([^']+)'/.exec(text)?.[1] ?? '',
      method: /HttpMethod\.(\w+)/.exec(text)?.[1] ?? '',
      names: [...text.matchAll(/setQueryParam\("(\w+)"/g)].map(([, name = '']) => name),
    }))
}

function isServed(path: string): boolean {
  const [root, ...rest] = path.split('/').slice(1)
  if (root === 'logs') return false
  if (root !== 'api' && root !== 'apis') return true
  const group = root === 'api' ? '' : (rest.shift() ?? '')
  const [version, ...parts] = rest
  if (!group && !version) return true
  const plural = parts[0] === 'namespaces' && parts.length > 2 && parts[1] === '{namespace}' ? parts[2] : parts[0]
  return resources.some(
    (one) => one.group === group && (!version || (one.version === version && (!plural || one.plural === plural))),
  )
}

describe('operations', () => {
  test('are those of Kubernetes, by path, name and parameters', () => {
    expect(described().sort()).toEqual(generated().sort())
  })

  test('all say what they do, and those of resources to what', () => {
    const nameless = Object.entries(paths as Record<string, Record<string, Json>>).flatMap(([path, item]) =>
      methods.flatMap((method) => {
        const operation = item[method]
        if (!operation) return []
        const isResource = path.split('/').length > 5 || /^\/api\/v1\/./.test(path)
        const complete = operation['x-kubernetes-action'] && operation['x-kubernetes-group-version-kind']
        return operation['description'] && (complete || !isResource) ? [] : [`${method} ${path}`]
      }),
    )
    expect(nameless).toEqual([])
  })
})
