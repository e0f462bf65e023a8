/** TCP connections to a pod's own localhost, through one process in the pod's network for all of them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { shimCommand } from './shim.ts'
import { encodeSpec, type Operation } from './spec.ts'
import { connectUnix } from './unix-socket.ts'

export interface ForwarderPlace {
  /** The pod's. */
  readonly uid: string
  /** Where the process's socket is. */
  readonly directory: string
  /** Path of the pod's network namespace; absent with the node's network. */
  readonly netns?: string
}

export class Forwarder {
  /** The process was there and has ended: by `close`, or with the pod. */
  readonly closed: Promise<void>
  readonly #child: ChildProcess
  readonly #directory: string
  readonly #uid: string
  readonly #netns: string
  readonly #name: string
  readonly #ready: Promise<void>

  constructor({ uid, directory, netns }: ForwarderPlace) {
    this.#uid = uid
    this.#directory = directory
    this.#netns = netns ?? 'host'
    this.#name = `forward-${randomBytes(6).toString('hex')}`
    const spec = join(directory, `${this.#name}.spec`)
    const operations: Operation[] = [['listen', directory, this.#name], ...(netns ? [['netns', netns] as const] : [])]
    writeFileSync(spec, encodeSpec(operations), { mode: 0o600 })
    const { file, args } = shimCommand('forward', spec)
    this.#child = spawn(file, [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#ready = readyLine(this.#child)
    const ended = once(this.#child, 'close')
    // That it could not be started is told to whoever connects.
    this.closed = Promise.all([this.#ready, ended]).then(
      () => {},
      () => new Promise<void>(() => {}),
    )
  }

  /** Rejects with why there is no connection, in the words of containerd; the pod's uid stands for its sandbox. */
  async connect(port: number): Promise<Socket> {
    const socket = await this.#reach()
    socket.write(`${port}\n`)
    const answer = await firstLine(socket)
    if (answer === 'ok') return socket
    socket.destroy()
    const [ipv4 = '', ipv6 = ''] = answer.split('|')
    const reasons = `IPv4: dial tcp4 127.0.0.1:${port}: ${ipv4} IPv6 dial tcp6 [::1]:${port}: ${ipv6}`
    const where = `failed to connect to localhost:${port} inside namespace ${JSON.stringify(this.#uid)}`
    throw new Error(
      `failed to execute portforward in network namespace ${JSON.stringify(this.#netns)}: ${where}, ${reasons}`,
    )
  }

  async #reach(): Promise<Socket> {
    await this.#ready.catch((error: Error) => {
      throw new Error(`failed to execute portforward ${error.message}`)
    })
    // The process may outlive its socket, and that the pod, by a moment.
    return connectUnix(this.#directory, this.#name).catch(() => {
      throw new Error(`failed to find sandbox ${JSON.stringify(this.#uid)} in store: not found`)
    })
  }

  /** Ends all connections. */
  close(): void {
    this.#child.kill('SIGKILL')
    rmSync(join(this.#directory, this.#name), { force: true })
  }
}

async function readyLine(child: ChildProcess): Promise<void> {
  const [stdout, stderr] = [child.stdout as Readable, child.stderr as Readable]
  let said = ''
  stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  const failed = once(child, 'close').then(() => {
    throw new Error(said.trim() || 'the process in the pod’s network ended')
  })
  await Promise.race([once(stdout, 'data'), failed])
  failed.catch(() => {})
}

/** What follows the line stays to be read. '' when the socket ends before. */
async function firstLine(socket: Socket): Promise<string> {
  let bytes: Buffer = Buffer.alloc(0)
  for (;;) {
    const chunk = socket.read() as Buffer | null
    if (chunk) bytes = Buffer.concat([bytes, chunk])
    const end = bytes.indexOf('\n')
    if (end >= 0) {
      if (end + 1 < bytes.length) socket.unshift(bytes.subarray(end + 1))
      return bytes.toString('latin1', 0, end)
    }
    if (socket.readableEnded || socket.destroyed) return ''
    await Promise.race([once(socket, 'readable'), once(socket, 'close')])
  }
}
