/** The fixed endpoints: discovery, version, health, metrics, OpenAPI. */
import type { ApiResponse } from '../../client/transport.ts'
import type { Clock } from '../../lib/clock.ts'
import { issuerPage, issuerPaths } from '../authentication/issuer-pages.ts'
import type { ServiceAccountTokens } from '../authentication/tokens.ts'
import { methodNotAllowed, resourceNotFound } from '../http/errors.ts'
import { json, notFoundPage, text } from '../http/respond.ts'
import type { ServerMetrics } from '../metrics.ts'
import { type DocumentHeaders, OpenApiDocuments } from '../openapi/documents.ts'
import type { Registry } from '../registry.ts'
import type { ParsedTarget } from '../routing/route.ts'
import { AggregatedDiscovery, acceptedVersion } from './aggregated.ts'
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from './documents.ts'
import { type Check, checkPage, healthPage } from './health.ts'
import { versionInfo } from './version.ts'

export interface PagesOptions {
  readonly registry: Registry
  readonly metrics: ServerMetrics
  /** Names of checks and whether each holds now. */
  readonly checks: ReadonlyMap<string, Check>
  readonly serverAddress: string
  readonly tokens: ServiceAccountTokens
  readonly clock: Clock
}

export class Pages {
  readonly #options: PagesOptions
  readonly #openApi: OpenApiDocuments
  readonly #aggregated: AggregatedDiscovery

  constructor(options: PagesOptions) {
    this.#options = options
    this.#openApi = new OpenApiDocuments(options.registry, options.clock)
    this.#aggregated = new AggregatedDiscovery(options.registry)
  }

  /** The page at this path; throws 404 for what is not served. */
  async get(method: string, { path, query }: ParsedTarget, headers: DocumentHeaders): Promise<ApiResponse> {
    const clean = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
    const [, root = '', ...rest] = clean.split('/')
    if (method !== 'GET') throw root === 'api' || root === 'apis' ? resourceNotFound() : methodNotAllowed()
    switch (root) {
      case '':
        return rest.length === 0 ? json(200, { paths: this.#paths() }) : notFoundPage()
      case 'api':
      case 'apis':
        return this.#discovery(root, rest, headers)
      case 'version':
        return json(200, versionInfo)
      case 'healthz':
      case 'livez':
      case 'readyz':
        return this.#health(root, rest.join('/'), query)
      case 'metrics':
        return text(200, await this.#options.metrics.render(), {
          'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        })
      case 'openapi':
        if (rest[0] === 'v2' && rest.length === 1) return this.#openApi.v2(headers)
        if (rest[0] !== 'v3') return notFoundPage()
        return rest.length === 1 ? this.#openApi.index() : this.#openApi.v3(rest.slice(1).join('/'), query, headers)
      default:
        return issuerPage(clean, this.#options.tokens, this.#options.serverAddress) ?? notFoundPage()
    }
  }

  #discovery(root: 'api' | 'apis', rest: string[], headers: DocumentHeaders): ApiResponse {
    const { registry, serverAddress } = this.#options
    if (rest.length === 0) {
      const version = acceptedVersion(headers.accept ?? '')
      if (version) return this.#aggregated.get(root, version, headers['if-none-match'])
      return json(200, root === 'api' ? apiVersions(serverAddress) : apiGroupList(registry))
    }
    const [group = '', version = ''] = root === 'api' ? ['', ...rest] : rest
    const served = version ? registry.groupVersion(group, version) : undefined
    const document = served ? apiResourceList(served) : version === '' ? apiGroup(registry, group) : undefined
    if (!document || rest.length > (root === 'api' ? 1 : 2)) throw resourceNotFound()
    return json(200, document)
  }

  /** `/readyz` runs all checks, `/readyz/NAME` one of them; `?verbose` lists each. */
  #health(page: string, only: string, query: URLSearchParams): Promise<ApiResponse> {
    const { checks } = this.#options
    if (only === '') return healthPage(page, checks, query)
    const check = checks.get(only)
    return check ? checkPage(check) : Promise.resolve(notFoundPage())
  }

  #paths(): string[] {
    const { registry, checks } = this.#options
    const groups = registry.groupVersions.flatMap(({ group, version }) =>
      group ? [`/apis/${group}`, `/apis/${group}/${version}`] : [`/api/${version}`],
    )
    const health = ['healthz', 'livez', 'readyz'].flatMap((page) => [
      `/${page}`,
      ...[...checks.keys()].map((name) => `/${page}/${name}`),
    ])
    const others = ['/api', '/apis', '/metrics', '/openapi/v2', '/openapi/v3', '/version', ...issuerPaths]
    return [...others, ...new Set(groups), ...health].sort()
  }
}
