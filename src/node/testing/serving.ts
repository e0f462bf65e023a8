/** The agent's HTTPS interface over a test node, and clients of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { systemClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/log.ts'
import { createCa, issue, type KeyPair } from '../../lib/pki.ts'
import { PodStreams } from '../runtime/streams.ts'
import { listen } from '../server/server.ts'
import { nodeIP, type TestAgent, type TestNode } from './node.ts'

const port = 10250

/** The client of these tests is the API server itself, which agents know. */
const unasked = { request: () => Promise.reject(new Error('the API server is not to be asked')) }

export interface Answer {
  readonly status: number
  readonly body: string
}

export class TestServing implements AsyncDisposable {
  readonly #directory: string
  readonly #server: Server
  readonly #ca: KeyPair
  readonly #client: KeyPair

  private constructor(directory: string, server: Server, ca: KeyPair, client: KeyPair) {
    this.#directory = directory
    this.#server = server
    this.#ca = ca
    this.#client = client
  }

  static async start(node: TestNode, { pods, runtime }: TestAgent): Promise<TestServing> {
    const directory = mkdtempSync(join(tmpdir(), 'fairway-server-'))
    const ca = await createCa({ commonName: 'ca' })
    const serving = await issue(ca, { commonName: 'node', usage: 'server', days: 1, ipAddresses: [nodeIP] })
    const client = await issue(ca, { commonName: 'api', organizations: ['system:masters'], usage: 'client', days: 1 })
    const file = (name: string, text: string) => {
      writeFileSync(join(directory, name), text)
      return join(directory, name)
    }
    const config = {
      nodeName: 'node-1',
      nodeIP,
      clusterDNS: '',
      clusterDomain: '',
      kubeconfig: '',
      serverCert: file('crt', serving.certPem),
      serverKey: file('key', serving.keyPem),
      clientCA: file('ca', ca.certPem),
      stateDir: node.stateDir,
      fairwayRoot: '',
      netnsPrefix: '',
      port,
    }
    const streams = new PodStreams(node.stateDir)
    const server = await listen({
      config,
      pods,
      runtime,
      streams,
      log: silentLogger,
      client: unasked,
      clock: systemClock,
    })
    return new TestServing(directory, server, ca, client)
  }

  /** `nobody` has no certificate. */
  get(path: string, onData?: (text: string) => void, as: 'client' | 'nobody' = 'client'): Promise<Answer> {
    return this.#request(path, {}, as, onData)
  }

  /** What is answered to an upgrade that is refused. */
  refusal(path: string, headers: Record<string, string>): Promise<Answer> {
    return this.#request(path, { connection: 'upgrade', ...headers }, 'client')
  }

  webSocket(path: string, protocols: readonly string[]): WebSocket {
    const { host, ...secrets } = this.#tls()
    return new WebSocket(`wss://${host}:${port}${path}`, [...protocols], secrets)
  }

  /** A connection that has been upgraded, and the headers of the answer. */
  async upgrade(
    path: string,
    headers: Record<string, string>,
    method: 'GET' | 'POST' = 'POST',
  ): Promise<{ socket: TLSSocket; head: string }> {
    const socket = connect(this.#tls())
    const lines = Object.entries({ host: nodeIP, connection: 'upgrade', ...headers }).map((pair) => pair.join(': '))
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    let head = ''
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const text = head + chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end >= 0) {
        const rest = Buffer.from(text.slice(end + 4), 'latin1')
        if (rest.length > 0) socket.unshift(rest)
        return { socket, head: text.slice(0, end) }
      }
      head = text
    }
    throw new Error(`no answer to the upgrade: ${head}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    rmSync(this.#directory, { recursive: true })
  }

  #tls(as: 'client' | 'nobody' = 'client') {
    const { certPem: cert, keyPem: key } = this.#client
    return { host: nodeIP, port, ca: this.#ca.certPem, ...(as === 'client' && { cert, key }) }
  }

  #request(
    path: string,
    headers: Record<string, string>,
    as: 'client' | 'nobody',
    onData?: (text: string) => void,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...this.#tls(as), path, headers }, (response) => {
        let body = ''
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString()
          onData?.(body)
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      })
      outgoing.on('upgrade', (_, socket) => {
        socket.destroy()
        reject(new Error('the upgrade was not refused'))
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
  }
}
