/** The streams of exec and attach, whatever protocol brings them. */
import type { Readable, Writable } from 'node:stream'
import type { Status } from '../../../api/generated/meta.v1.ts'
import { acceptSpdyCommand } from './spdy-command.ts'
import { asksForWebSocket, type Upgrade } from './upgrade.ts'
import { acceptWebSocketCommand } from './websocket-command.ts'

/** What a client wants of a command or a container. With a terminal there is no stderr of its own. */
export interface CommandOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** Streams the client did not ask for are undefined. */
export interface CommandStreams {
  readonly stdin: Readable | undefined
  readonly stdout: Writable | undefined
  readonly stderr: Writable | undefined
  /** JSON objects `{"Width":80,"Height":24}`, one after the other. */
  readonly sizes: Readable | undefined
  /** The client is gone. */
  readonly closed: Promise<void>
  /** Tells the outcome after all output, and ends the connection. */
  finish(status: Status): Promise<void>
}

/** Names and values as the API server writes them for a kubelet. Throws with a message for the client. */
export function parseCommandOptions(parameters: URLSearchParams): CommandOptions {
  const flag = (name: string) => parameters.get(name) === '1'
  const [stdin, stdout, tty] = [flag('input'), flag('output'), flag('tty')]
  const stderr = flag('error') && !tty
  if (!stdin && !stdout && !stderr) throw new Error('you must specify at least 1 of stdin, stdout, stderr')
  return { stdin, stdout, stderr, tty }
}

/** Takes the connection over; `serve` is called once there are streams. */
export function acceptCommand(
  upgrade: Upgrade,
  options: CommandOptions,
  serve: (streams: CommandStreams) => Promise<void>,
): void {
  const accept = asksForWebSocket(upgrade.request) ? acceptWebSocketCommand : acceptSpdyCommand
  accept(upgrade, options, (streams) => void serve(streams))
}
