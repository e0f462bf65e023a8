/** For tests of server-side apply: a server, and requests that apply. */
import { FakeClock } from '../../lib/clock.ts'
import { type Answer, startTestServer, type TestServer } from '../test-server.ts'

export const configMaps = '/api/v1/namespaces/default/configmaps'
export const deployments = '/apis/apps/v1/namespaces/default/deployments'
export const services = '/api/v1/namespaces/default/services'
export const mergePatch = { 'content-type': 'application/merge-patch+json' }
export const applyPatch = { 'content-type': 'application/apply-patch+yaml' }

export interface ApplyOptions {
  /** The manager; `a` unless said. */
  readonly as?: string
  /** More of the query, from `&` on. */
  readonly query?: string
}

interface Entry {
  readonly manager: string
  readonly operation: string
  readonly fieldsV1: object
  readonly time: string
}

export interface ApplyTest extends AsyncDisposable {
  readonly api: TestServer
  readonly clock: FakeClock
  apply(path: string, body: unknown, options?: ApplyOptions): Promise<Answer>
  /** Applies a ConfigMap with this data. */
  applyData(name: string, data: object, options?: ApplyOptions): Promise<Answer>
  /** fieldsV1 by operation and manager: `Apply a`. */
  owners(path: string): Promise<Record<string, object>>
}

export async function startApplyTest(): Promise<ApplyTest> {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const api = await startTestServer({ clock })
  const apply = (path: string, body: unknown, { as = 'a', query = '' }: ApplyOptions = {}) =>
    api.request('PATCH', `${path}?fieldManager=${as}${query}`, body, applyPatch)
  return {
    api,
    clock,
    apply,
    applyData: (name, data, options) => apply(`${configMaps}/${name}`, configMap(name, data), options),
    async owners(path) {
      const { body } = await api.request('GET', path)
      return Object.fromEntries(
        managedFieldsOf(body).map(({ operation, manager, fieldsV1 }) => [`${operation} ${manager}`, fieldsV1]),
      )
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  }
}

export function configMap(name: string, data: object, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data }
}

export function managedFieldsOf(body: Answer['body']): Entry[] {
  return (body.metadata?.['managedFields'] ?? []) as Entry[]
}
