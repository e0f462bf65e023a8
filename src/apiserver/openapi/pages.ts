/** The pages that are no resources: discovery, the version, and what verifies service account tokens. */
import type { Json } from './json.ts'
import { capital, groupName, groupVersionPath } from './names.ts'
import { ok, operation, produces } from './operations.ts'
import type { OpenApiResource } from './resources.ts'
import type { Components } from './schemas.ts'

interface Page {
  /** Of the operation, without what begins all of them (`get`). */
  readonly id: string
  readonly tag: string
  readonly description: string
  readonly answer: (components: Components) => Json
  readonly path?: string
  readonly produces?: readonly string[]
}

const text = (): Json => ({ type: 'string' })
const meta = (kind: string) => (components: Components) => components.ref(`meta/v1.${kind}`)

/** Pages by the name of their document: `api`, `apis/apps`, `apis/apps/v1`, `version`. */
export function pagesOf(resources: readonly OpenApiResource[]): ReadonlyMap<string, Page> {
  const pages = new Map<string, Page>([
    [
      'api',
      { id: 'CoreAPIVersions', tag: 'core', description: 'get available API versions', answer: meta('APIVersions') },
    ],
    [
      'apis',
      { id: 'APIVersions', tag: 'apis', description: 'get available API versions', answer: meta('APIGroupList') },
    ],
    [
      'version',
      { id: 'CodeVersion', tag: 'version', description: 'get the version', answer: (all) => all.versionRef() },
    ],
    [
      '.well-known/openid-configuration',
      {
        id: 'ServiceAccountIssuerOpenIDConfiguration',
        tag: 'WellKnown',
        description: 'get the discovery document of the issuer of service account tokens',
        path: '/.well-known/openid-configuration',
        answer: text,
        produces: ['application/json'],
      },
    ],
    [
      'openid/v1/jwks',
      {
        id: 'ServiceAccountIssuerOpenIDKeyset',
        tag: 'openid',
        description: 'get the keys that service account tokens are verified with',
        path: '/openid/v1/jwks',
        answer: text,
        produces: ['application/jwk-set+json'],
      },
    ],
  ])
  for (const { group, version } of resources) {
    const name = groupName(group)
    if (group) {
      const id = `${capital(name)}APIGroup`
      pages.set(`apis/${group}`, { id, tag: name, description: 'get information of a group', answer: meta('APIGroup') })
    }
    pages.set(groupVersionPath({ group, version }), {
      id: `${capital(name)}${capital(version)}APIResources`,
      tag: `${name}_${version}`,
      description: 'get available resources',
      answer: meta('APIResourceList'),
    })
  }
  return pages
}

export function pagePaths(name: string, page: Page, components: Components): Json {
  const { id, tag, description, answer, path = `/${name}/`, produces: types = produces.object } = page
  const get = operation({ id: `get${id}`, tag, description, answer: answer(components), produces: types, codes: ok })
  return { [path]: { get } }
}
