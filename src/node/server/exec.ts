/** `/exec/…`: a command in a container over a WebSocket, in Kubernetes' channel protocols v4 and v5. */
import { spawn } from 'node:child_process'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Status } from '../../api/generated/meta.v1.ts'
import type { CommandLine, Runtime } from '../runtime/contract.ts'
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

interface Streams {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** What the connection drives: a plain child or a terminal. */
interface Process {
  write(data: Buffer): void
  endInput(): void
  resize(columns: number, rows: number): void
  kill(): void
}

export function serveExec(runtime: Runtime, target: Target, { request, socket, head, parameters }: ExecUpgrade): void {
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  })
  server.handleUpgrade(request, socket, head, (connection) => {
    start(runtime, target, parameters, connection).catch((error: unknown) => {
      finish(connection, failure(`error executing command in container: ${(error as Error).message}`))
    })
  })
}

async function start(
  runtime: Runtime,
  { uid, container }: Target,
  parameters: URLSearchParams,
  connection: WebSocket,
): Promise<void> {
  const flag = (name: string) => ['true', '1'].includes(parameters.get(name) ?? '')
  const streams = { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr'), tty: flag('tty') }
  const early: Buffer[] = []
  const collect = (data: Buffer) => early.push(data)
  connection.on('message', collect)
  const line = runtime.execCommand(uid, container, { command: parameters.getAll('command'), tty: streams.tty })
  const process = streams.tty ? await startTerminal(line, connection) : startPlain(line, streams, connection)
  connection.off('message', collect)
  // What came while the terminal's module was loading.
  for (const data of early) receive(data, process)
  connection.on('message', (data: Buffer) => receive(data, process))
  connection.on('close', () => process.kill())
  connection.on('error', () => process.kill())
}

function receive(data: Buffer, process: Process): void {
  const payload = data.subarray(1)
  switch (data[0]) {
    case channel.stdin:
      if (payload.length > 0) process.write(payload)
      break
    case channel.resize: {
      const { Width, Height } = JSON.parse(payload.toString()) as { Width: number; Height: number }
      if (Width > 0 && Height > 0) process.resize(Width, Height)
      break
    }
    case channel.close:
      if (payload[0] === channel.stdin) process.endInput()
      break
    default:
  }
}

function startPlain({ file, args }: CommandLine, streams: Streams, connection: WebSocket): Process {
  const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const forward = (from: NodeJS.ReadableStream, to: number, wanted: boolean) => {
    from.on('data', (data: Buffer) => {
      if (!wanted || connection.readyState !== connection.OPEN) return
      connection.send(frame(to, data), () => from.resume())
      // A reader slower than the command holds the command up, not our memory.
      if (connection.bufferedAmount > bufferedMax) from.pause()
    })
  }
  forward(child.stdout, channel.stdout, streams.stdout)
  forward(child.stderr, channel.stderr, streams.stderr)
  child.stdin.on('error', () => {})
  if (!streams.stdin) child.stdin.end()
  child.on('error', (error) => finish(connection, failure(error.message)))
  child.on('close', (code, signal) => finish(connection, exitStatus(code ?? (signal ? 137 : 0))))
  return {
    write: (data) => child.stdin.write(data),
    endInput: () => child.stdin.end(),
    resize: () => {},
    kill: () => child.kill('SIGKILL'),
  }
}

const bufferedMax = 1024 * 1024

async function startTerminal({ file, args }: CommandLine, connection: WebSocket): Promise<Process> {
  const { spawn: spawnTerminal } = await import('@lydell/node-pty')
  const terminal = spawnTerminal(file, [...args], { name: 'xterm', cols: 80, rows: 24, encoding: null })
  // Without an encoding the data are Buffers, whatever the type says.
  terminal.onData((data: string | Buffer) => {
    if (connection.readyState === connection.OPEN) connection.send(frame(channel.stdout, Buffer.from(data)))
  })
  terminal.onExit(({ exitCode, signal }) => finish(connection, exitStatus(signal ? 128 + signal : exitCode)))
  const endOfTransmission = '\x04'
  return {
    write: (data) => terminal.write(data.toString()),
    endInput: () => terminal.write(endOfTransmission),
    resize: (columns, rows) => terminal.resize(columns, rows),
    kill: () => {
      try {
        terminal.kill('SIGKILL')
      } catch {
        // It has ended by itself.
      }
    },
  }
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
