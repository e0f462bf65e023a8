/**
 * The OpenAPI v3 documents, made from the schemas and from what is served. Clients use them to see what the server can
 * do (kubectl: field validation, strategic merge patches) and to explain fields. Pure.
 */
import type { Json } from './json.ts'
import { groupVersionPath } from './names.ts'
import { pagePaths, pagesOf } from './pages.ts'
import { ResourcePaths } from './paths.ts'
import type { OpenApiResource } from './resources.ts'
import { Components } from './schemas.ts'

export interface OpenApiOptions {
  /** Of the API: `v1.36.0`. */
  readonly version: string
  /** Where `scripts/generate-api.ts --descriptions` wrote the documentation of fields; absent files: none. */
  readonly descriptionsDir?: string
}

/** Names of all documents: `api/v1`, `apis/apps`, `apis/apps/v1`, `version`. */
export function documentNames(resources: readonly OpenApiResource[]): string[] {
  return [...pagesOf(resources).keys()].sort()
}

/** The document of these names; clients get each alone, and OpenAPI v2 has all in one. */
export function openApiDocument(
  names: readonly string[],
  resources: readonly OpenApiResource[],
  options: OpenApiOptions,
): Json {
  const groupVersions = [...new Map(resources.map((resource) => [groupVersionPath(resource), resource])).values()]
  const components = new Components(groupVersions, options.descriptionsDir)
  const pages = pagesOf(resources)
  const paths: Json = {}
  for (const name of names) {
    const page = pages.get(name)
    if (page) Object.assign(paths, pagePaths(name, page, components))
    for (const resource of resources.filter((one) => groupVersionPath(one) === name)) {
      Object.assign(paths, new ResourcePaths(resource, components).all())
    }
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: options.version },
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      schemas: components.schemas(),
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  }
}
