/** For tests: a whole server over a real store in a temporary directory, spoken to without sockets. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { definitions } from '../api/index.ts'
import type { KubeObject } from '../api/machinery/object.ts'
import type { Clock, FakeClock } from '../lib/clock.ts'
import { openSqliteStore, type Store } from '../store/index.ts'
import type { UserInfo } from './handler.ts'
import { type ApiServer, createApiServer } from './server.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  // The shape is what the test is about.
  readonly body: Record<string, unknown> & { message?: string; metadata?: Record<string, unknown> }
}

export type TestRequest = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>

export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer
  readonly store: Store
  /** As somebody who may do everything. */
  readonly request: TestRequest
  /** As somebody else. */
  as(user: UserInfo): TestRequest
  /** Requests to another server on the same store, as after a restart; with its start-up work done. */
  restart(): Promise<TestRequest>
  /** The events of a watch, as an array that grows. */
  watch(
    path: string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; events: WatchLine[]; stop: () => void; ended: Promise<void> }>
}

export interface WatchLine {
  readonly type: string
  readonly object: KubeObject & { code?: number; message?: string }
}

const tester: UserInfo = { name: 'tester', groups: ['system:masters'] }

export interface TestServerOptions {
  readonly clock?: Clock
  readonly serviceCidrs?: readonly string[]
  readonly disableAdmissionPlugins?: readonly string[]
  readonly nodePortRange?: { readonly from: number; readonly to: number }
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), 'apiserver-'))
  const store = openSqliteStore({ path: join(dir, 'store.db') })
  const settings = {
    serviceCidrs: options.serviceCidrs ?? ['10.96.0.0/12'],
    nodePortRange: options.nodePortRange ?? { from: 30000, to: 32767 },
    clusterDomain: 'cluster.local',
  }
  // Nobody makes accounts here: no controllers run.
  const { clock, disableAdmissionPlugins = ['ServiceAccount'] } = options
  const server = createApiServer({ store, definitions, settings, disableAdmissionPlugins, ...(clock && { clock }) })
  const restarted: ApiServer[] = []
  const test: TestServer = {
    server,
    store,
    request: requester(server, tester),
    as: (user) => requester(server, user),
    async restart() {
      const next = createApiServer({ store, definitions, settings, disableAdmissionPlugins, ...(clock && { clock }) })
      restarted.push(next)
      await next.start()
      return requester(next, tester)
    },
    async watch(path, headers = {}) {
      const stopping = new AbortController()
      const { status, body } = await server.handle({ method: 'GET', path, headers, signal: stopping.signal }, tester)
      const events: WatchLine[] = []
      const ended = collect(body, events)
      return { status, events, ended, stop: () => stopping.abort() }
    },
    async [Symbol.asyncDispose]() {
      for (const one of [server, ...restarted]) one.close()
      await store.close()
      rmSync(dir, { recursive: true })
    },
  }
  await test.request('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
  return test
}

function requester(server: ApiServer, user: UserInfo): TestRequest {
  return async (method, path, body, headers = {}) => {
    const sent = body === undefined ? {} : { body: Buffer.isBuffer(body) ? body : JSON.stringify(body) }
    const response = await server.handle({ method, path, headers, ...sent }, user)
    const chunks: Buffer[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const json = response.headers['content-type'] === 'application/json'
    const value = (json ? JSON.parse(text) : { text }) as Answer['body']
    return { status: response.status, headers: response.headers, body: value }
  }
}

async function collect(body: AsyncIterable<Buffer>, events: WatchLine[]): Promise<void> {
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) events.push(JSON.parse(line) as WatchLine)
  }
}

/** Waits until `holds`, and says what was awaited when it does not come true. */
export async function until(what: string, holds: () => boolean, { timeoutMs = 9000 } = {}): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`timed out waiting for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Lets the clock run until the promise is settled. */
export async function timePasses<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  const outcome = Promise.allSettled([promise])
  for (;;) {
    const turn = new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
    if (await Promise.race([outcome, turn])) return promise
    clock.advance(100)
  }
}
