/**
 * The OpenAPI v3 document of a group version, made from the schemas and the declared resources. Clients use it to see
 * what the server can do (kubectl: field validation, strategic merge patches) and to explain fields.
 */
import type { ResourceDefinition } from '../resource.ts'
import { openApiPaths } from './openapi-paths.ts'
import { Components } from './openapi-schemas.ts'

export type Json = Record<string, unknown>

export interface OpenApiOptions {
  /** Where `scripts/generate-api.ts --descriptions` wrote the documentation of fields; absent files: none. */
  readonly descriptionsDir?: string
}

/** `definitions` may be of all groups; those of `groupVersion` (`v1`, `apps/v1`) are described. */
export function openApiV3Document(
  groupVersion: string,
  definitions: readonly ResourceDefinition[],
  options: OpenApiOptions = {},
): Json {
  const [version = '', group = ''] = groupVersion.split('/').reverse()
  const own = definitions.filter((d) => d.group === group && d.version === version)
  const components = new Components({ group, version }, options.descriptionsDir)
  const paths = openApiPaths({ group, version }, own, components)
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.0' },
    paths,
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
