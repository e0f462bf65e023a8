/** The agent's HTTPS interface (docs/architecture.md): for the API server, and for people with a certificate. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Pod } from '../../api/generated/v1.ts'
import type { Client, Informer } from '../../client/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/log.ts'
import { type AgentConfig, nodeIPs } from '../config.ts'
import type { Runtime } from '../runtime/contract.ts'
import type { PodStreams } from '../runtime/streams.ts'
import type { AgentAccess, Refusal } from './access.ts'
import type { Upgrade } from './streams/upgrade.ts'
import { findPod, findTarget } from './targets.ts'

export interface ServerOptions {
  readonly config: AgentConfig
  readonly pods: Informer<Pod>
  readonly runtime: Runtime
  readonly streams: PodStreams
  readonly log: Logger
  /** Asked who others than the API server are. */
  readonly client: Pick<Client, 'request'>
  readonly clock: Clock
}

export function listen(options: ServerOptions): Promise<Server> {
  const { config, log } = options
  const server = createServer({
    cert: readFileSync(config.serverCert),
    key: readFileSync(config.serverKey),
    ca: readFileSync(config.clientCA),
    requestCert: true,
    // As Go's servers: what is executed is in the URL.
    maxHeaderSize: 1024 * 1024,
    // Who has no certificate may have a token, and gets an answer in any case.
    rejectUnauthorized: false,
  })
  const refusal = accessOf(options)
  server.on('request', (request, response) => {
    refusal(request)
      .then((refused) => (refused ? answer(response, refused.code, refused.text) : handle(options, request, response)))
      .catch((error: unknown) => fail(response, error, log))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    void upgrade(options, refusal, { request, socket, head })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const [first, ...more] = nodeIPs(config)
    server.listen(config.port ?? 10250, more.length > 0 ? '::' : first, () => resolve(server))
  })
}

type RefusalOf = (request: IncomingMessage) => Promise<Refusal | undefined>

/** Loaded with the first request: most agents are asked nothing for a long time. */
function accessOf({ client, clock, config: { nodeName } }: ServerOptions): RefusalOf {
  let access: Promise<AgentAccess> | undefined
  return async (request) => {
    access ??= import('./access.ts').then(({ AgentAccess }) => new AgentAccess({ client, nodeName, clock }))
    return (await access).refusal(request)
  }
}

async function upgrade(options: ServerOptions, refusal: RefusalOf, asked: Upgrade): Promise<void> {
  const { serveUpgrade } = await import('./upgrades.ts')
  return serveUpgrade(options, asked, refusal)
}

async function handle(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://node')
  const [, first, ...rest] = url.pathname.split('/').map(decodeURIComponent)
  if (first === 'exec' || first === 'attach' || first === 'portForward') {
    return answer(response, 400, 'Upgrade request required\n')
  }
  if (request.method !== 'GET') return answer(response, 405, 'Method Not Allowed\n')
  switch (first) {
    case 'healthz':
      return answer(response, 200, 'ok')
    case 'pods':
      return json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: options.pods.list() })
    case 'metrics':
      return answer(response, 200, metrics(options), 'text/plain; version=0.0.4')
    case 'containerLogs': {
      const { pods } = options
      const [, name] = rest
      if (!findPod(pods, rest)) return answer(response, 404, `pod ${JSON.stringify(name)} does not exist\n`)
      const target = findTarget(pods, rest)
      if (!target) return answer(response, 404, `container "${rest[2]}" not found in pod "${name}"\n`)
      const { serveLogs } = await import('./logs.ts')
      return serveLogs(options.runtime, target, url.searchParams, response)
    }
    default:
      return answer(response, 404, '404 page not found\n')
  }
}

function metrics({ pods, runtime }: ServerOptions): string {
  const running = pods
    .list()
    .flatMap(({ metadata }) => [...runtime.observe(metadata.uid ?? '').containers.values()])
    .filter(({ current }) => current.pid !== undefined).length
  return [
    '# HELP kubelet_running_pods Number of pods that have a running pod sandbox',
    '# TYPE kubelet_running_pods gauge',
    `kubelet_running_pods ${pods.list().filter(({ status }) => status?.phase === 'Running').length}`,
    '# HELP kubelet_running_containers Number of containers currently running',
    '# TYPE kubelet_running_containers gauge',
    `kubelet_running_containers{container_state="running"} ${running}`,
    '',
  ].join('\n')
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type }).end(text)
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function fail(response: ServerResponse, error: unknown, log: Logger): void {
  log.warn({ err: error }, 'request failed')
  if (response.headersSent) response.destroy()
  else answer(response, 500, `${(error as Error).message}\n`)
}
