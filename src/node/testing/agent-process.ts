/** The agent as a process of its own, to be killed, and the fake API over TLS for it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { createCa, issue, type KeyPair } from '../../lib/pki.ts'
import type { AgentConfig } from '../config.ts'
import type { FakeApi } from './fake-api.ts'
import { fairwayRoot, nodeIP, type TestNode } from './node.ts'

const apiPort = 6443

export class AgentProcess {
  readonly #configFile: string
  readonly #server: Server
  #child: ChildProcess | undefined

  private constructor(configFile: string, server: Server) {
    this.#configFile = configFile
    this.#server = server
  }

  /** `directory` gets the agent's files. */
  static async prepare(node: TestNode, directory: string): Promise<AgentProcess> {
    const ca = await createCa({ commonName: 'ca' })
    const serving = await issue(ca, { commonName: 'node', usage: 'server', days: 1, ipAddresses: [nodeIP] })
    const server = await serve(node.api, serving)
    const file = (name: string, text: string) => {
      writeFileSync(join(directory, name), text)
      return join(directory, name)
    }
    const clusters = [
      {
        name: 'test',
        cluster: {
          server: `https://${nodeIP}:${apiPort}`,
          'certificate-authority-data': Buffer.from(ca.certPem).toString('base64'),
        },
      },
    ]
    const contexts = [{ name: 'test', context: { cluster: 'test', user: 'node' } }]
    const users = [{ name: 'node', user: {} }]
    const kubeconfig = { clusters, contexts, users, 'current-context': 'test' }
    const config: AgentConfig = {
      nodeName: 'node-1',
      nodeIP,
      podCIDR: '10.244.0.0/24',
      clusterDNS: '10.96.0.10',
      clusterDomain: 'cluster.local',
      kubeconfig: file('kubeconfig', JSON.stringify(kubeconfig)),
      serverCert: file('crt', serving.certPem),
      serverKey: file('key', serving.keyPem),
      clientCA: file('ca', ca.certPem),
      stateDir: node.stateDir,
      fairwayRoot,
      netnsPrefix: 'fw-test',
    }
    return new AgentProcess(file('agent.json', JSON.stringify(config)), server)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    const main = join(import.meta.dirname, '../main.ts')
    const args = [join(fairwayRoot, 'scripts/node'), main, '--config', this.#configFile]
    this.#child = spawn('sh', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async close(): Promise<void> {
    await this.kill()
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

async function serve(api: FakeApi, { certPem, keyPem }: KeyPair): Promise<Server> {
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    answer(api, request, response).catch(() => response.destroy())
  })
  server.listen(apiPort, nodeIP)
  await once(server, 'listening')
  return server
}

async function answer(api: FakeApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const sent = await request.toArray()
  const { status, body } = await api.request({
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    body: Buffer.concat(sent as Buffer[]).toString() || '{}',
    signal: gone.signal,
  })
  response.writeHead(status, { 'content-type': 'application/json' }).flushHeaders()
  for await (const chunk of body) response.write(chunk)
  response.end()
}
