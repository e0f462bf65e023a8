/** `/exec/…`: a command in a container over a WebSocket, in Kubernetes' channel protocols v4 and v5. */
import { spawn } from 'node:child_process'
import type { IncomingMessage } from 'node:http'
import type { Duplex, Readable, Writable } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Status } from '../../api/generated/meta.v1.ts'
import type { Runtime } from '../runtime/contract.ts'
import type { Target } from './server.ts'

export interface ExecUpgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly parameters: URLSearchParams
}

/** First byte of each message. `close` (v5 only) is followed by the channel that ends. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const

export function serveExec(runtime: Runtime, target: Target, { request, socket, head, parameters }: ExecUpgrade): void {
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  })
  server.handleUpgrade(request, socket, head, (connection) => {
    try {
      start(runtime, target, parameters, connection)
    } catch (error) {
      finish(connection, failure(`error executing command in container: ${(error as Error).message}`))
    }
  })
}

function start(runtime: Runtime, { uid, container }: Target, parameters: URLSearchParams, connection: WebSocket): void {
  const flag = (name: string) => ['true', '1'].includes(parameters.get(name) ?? '')
  const streams = { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr'), tty: flag('tty') }
  const { file, args } = runtime.execCommand(uid, container, {
    command: parameters.getAll('command'),
    tty: streams.tty,
  })
  // The fourth is the terminal's size.
  const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'pipe', streams.tty ? 'pipe' : 'ignore'] })
  const [stdin, stdout, stderr, sizes] = child.stdio as unknown as [Writable, Readable, Readable, Writable | null]
  for (const stream of [stdin, sizes]) stream?.on('error', () => {})
  if (!streams.stdin) stdin.end()
  forward(stdout, { connection, to: channel.stdout, wanted: streams.stdout })
  forward(stderr, { connection, to: channel.stderr, wanted: streams.stderr })
  const holdUp = senderBrake(connection, stdin)
  connection.on('message', (data: Buffer) => receive(data, { stdin, sizes, holdUp }))
  connection.on('close', () => child.kill('SIGKILL'))
  connection.on('error', () => child.kill('SIGKILL'))
  child.on('error', (error) => finish(connection, failure(error.message)))
  child.on('close', (code, signal) => finish(connection, exitStatus(code ?? (signal ? 137 : 0))))
}

interface Inputs {
  readonly stdin: Writable
  readonly sizes: Writable | null
  readonly holdUp: () => void
}

function receive(data: Buffer, { stdin, sizes, holdUp }: Inputs): void {
  const payload = data.subarray(1)
  switch (data[0]) {
    case channel.stdin:
      if (payload.length > 0 && !stdin.writableEnded && !stdin.write(payload)) holdUp()
      break
    case channel.resize: {
      const { Width, Height } = parseSize(payload)
      if (Width > 0 && Height > 0) sizes?.write(`${Width} ${Height}\n`)
      break
    }
    case channel.close:
      if (payload[0] === channel.stdin) stdin.end()
      break
    default:
  }
}

function parseSize(payload: Buffer): { Width: number; Height: number } {
  try {
    const { Width, Height } = JSON.parse(payload.toString()) as { Width?: unknown; Height?: unknown }
    return { Width: sizeOf(Width), Height: sizeOf(Height) }
  } catch {
    return { Width: 0, Height: 0 }
  }
}

function sizeOf(value: unknown): number {
  return Number.isInteger(value) && (value as number) < 65536 ? (value as number) : 0
}

/** While a connection is not read, its end is seen only by writing to it. */
const pingMs = 5000

/** A command slower than the sender holds the sender up, not our memory; the result is called when it is. */
function senderBrake(connection: WebSocket, stdin: Writable): () => void {
  let timer: NodeJS.Timeout | undefined
  const release = () => {
    clearInterval(timer)
    timer = undefined
    if (connection.readyState === connection.OPEN && connection.isPaused) connection.resume()
  }
  stdin.on('drain', release)
  stdin.on('close', release)
  connection.on('close', release)
  return () => {
    if (timer) return
    connection.pause()
    timer = setInterval(() => connection.ping(), pingMs)
  }
}

const bufferedMax = 1024 * 1024

interface Outlet {
  readonly connection: WebSocket
  readonly to: number
  readonly wanted: boolean
}

/** A reader slower than the command holds the command up. */
function forward(from: Readable, { connection, to, wanted }: Outlet): void {
  from.on('data', (data: Buffer) => {
    if (!wanted || connection.readyState !== connection.OPEN) return
    connection.send(frame(to, data), () => from.resume())
    if (connection.bufferedAmount > bufferedMax) from.pause()
  })
}

function frame(to: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([to]), data])
}

function finish(connection: WebSocket, status: Status): void {
  if (connection.readyState !== connection.OPEN) return
  connection.send(frame(channel.error, Buffer.from(JSON.stringify(status))))
  connection.close(1000)
}

/** As the kubelet says it: kubectl's own exit code comes from the cause. */
export function exitStatus(code: number): Status {
  if (code === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  }
}

function failure(message: string): Status {
  return { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500, details: {} }
}
