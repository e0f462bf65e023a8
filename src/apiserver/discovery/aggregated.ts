/**
 * Aggregated discovery (KEP-3352): all groups, versions and resources in one document, made from the same entries as the
 * classic one. Clients ask for it by parameters of the media type and know by those of the answer that they got it.
 */
import { createHash } from 'node:crypto'
import type { ApiResponse } from '../../client/transport.ts'
import { BufferBody } from '../http/respond.ts'
import type { Registry } from '../registry.ts'
import { type ApiResource, apiResourceList } from './documents.ts'

const versions = ['v2', 'v2beta1'] as const
type Version = (typeof versions)[number]

/** Which version of the aggregated form the client prefers to all else this server has; undefined: the classic form. */
export function acceptedVersion(accept: string): Version | undefined {
  for (const clause of accept.split(',')) {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim().toLowerCase())
    if (type !== 'application/json' && type !== 'application/*' && type !== '*/*') continue
    const given = new Map(parameters.map((parameter) => parameter.split('=', 2) as [string, string | undefined]))
    if (given.get('as') === undefined) return undefined
    if (given.get('as') !== 'apigroupdiscoverylist' || given.get('g') !== 'apidiscovery.k8s.io') continue
    const version = versions.find((one) => one === given.get('v'))
    if (version) return version
  }
  return undefined
}

/** The documents of `/api` and `/apis`; made once, as what is served does not change. */
export class AggregatedDiscovery {
  readonly #registry: Registry
  readonly #documents = new Map<string, { readonly bytes: Buffer; readonly etag: string }>()

  constructor(registry: Registry) {
    this.#registry = registry
  }

  /** `known` is the request's If-None-Match. */
  get(root: 'api' | 'apis', version: Version, known: string | undefined): ApiResponse {
    const { bytes, etag } = this.#document(root, version)
    const headers = {
      'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
      etag,
      vary: 'Accept',
      'cache-control': 'public',
    }
    if (known === etag) return { status: 304, headers, body: new BufferBody([]) }
    return { status: 200, headers, body: new BufferBody([bytes]) }
  }

  #document(root: 'api' | 'apis', version: Version): { readonly bytes: Buffer; readonly etag: string } {
    const key = `${root} ${version}`
    let document = this.#documents.get(key)
    if (!document) {
      const bytes = Buffer.from(JSON.stringify(groupDiscoveryList(this.#registry, root, version)))
      document = { bytes, etag: `"${createHash('sha256').update(bytes).digest('hex').toUpperCase()}"` }
      this.#documents.set(key, document)
    }
    return document
  }
}

/** APIGroupDiscoveryList of the core group (`api`) or of all named groups (`apis`). */
export function groupDiscoveryList(registry: Registry, root: 'api' | 'apis', version: Version) {
  const served = registry.groupVersions.filter(({ group }) => (group === '') === (root === 'api'))
  const groups = [...new Set(served.map(({ group }) => group))]
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
      versions: served
        .filter((gv) => gv.group === group)
        .map((gv) => ({
          version: gv.version,
          resources: nested(apiResourceList(gv).resources, { group, version: gv.version }),
          freshness: 'Current',
        })),
    })),
  }
}

interface GroupVersion {
  readonly group: string
  readonly version: string
}

/** The classic form's flat entries `pods` and `pods/log`, the latter inside the former. */
function nested(entries: readonly ApiResource[], groupVersion: GroupVersion) {
  return entries
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, singularName, namespaced, verbs, shortNames, categories, ...entry }) => {
      const subresources = entries.filter((other) => other.name.startsWith(`${name}/`))
      return {
        resource: name,
        responseKind: responseKind(entry, groupVersion),
        scope: namespaced ? 'Namespaced' : 'Cluster',
        singularResource: singularName,
        verbs,
        ...(shortNames && { shortNames }),
        ...(categories && { categories }),
        ...(subresources.length > 0 && {
          subresources: subresources.map((sub) => ({
            subresource: sub.name.slice(name.length + 1),
            responseKind: responseKind(sub, groupVersion),
            verbs: sub.verbs,
          })),
        }),
      }
    })
}

function responseKind(entry: Pick<ApiResource, 'kind' | 'group' | 'version'>, { group, version }: GroupVersion) {
  return { group: entry.group ?? group, version: entry.version ?? version, kind: entry.kind }
}
