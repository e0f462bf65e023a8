/** Exec and attach over a WebSocket: `channel.k8s.io` and its versions, plain and in base64. */
import type { WebSocket } from 'ws'
import { Channels, type ChannelUse } from './channels.ts'
import type { CommandOptions, CommandStreams } from './command.ts'
import { statusBytes } from './outcome.ts'
import { acceptWebSocket, type Upgrade } from './upgrade.ts'

interface Protocol {
  readonly base64: boolean
  readonly status: 'json' | 'text'
  readonly endSignal: boolean
}

/** '' is what a client without a subprotocol gets. */
const protocols: Readonly<Record<string, Protocol>> = {
  '': { base64: false, status: 'text', endSignal: false },
  'channel.k8s.io': { base64: false, status: 'text', endSignal: false },
  'base64.channel.k8s.io': { base64: true, status: 'text', endSignal: false },
  'v4.channel.k8s.io': { base64: false, status: 'json', endSignal: false },
  'v4.base64.channel.k8s.io': { base64: true, status: 'json', endSignal: false },
  'v5.channel.k8s.io': { base64: false, status: 'json', endSignal: true },
}

export function acceptWebSocketCommand(
  upgrade: Upgrade,
  options: CommandOptions,
  taken: (streams: CommandStreams) => void,
): void {
  acceptWebSocket(upgrade, Object.keys(protocols), (connection, name) => {
    const protocol = protocols[name]
    if (protocol) taken(commandStreams(connection, options, protocol))
  })
}

/** Channels: 0 stdin, 1 stdout, 2 stderr, 3 the outcome, 4 sizes of the terminal. */
function commandStreams(connection: WebSocket, options: CommandOptions, protocol: Protocol): CommandStreams {
  const use = (wanted: boolean, as: ChannelUse) => (wanted ? as : 'ignored')
  const channels = new Channels(connection, {
    ...protocol,
    uses: [
      use(options.stdin, 'read'),
      use(options.stdout, 'write'),
      use(options.stderr, 'write'),
      'write',
      use(options.tty, 'read'),
    ],
  })
  const [stdin, stdout, stderr, outcome, sizes] = channels.all
  // An empty message on the first channel that is written tells the client that the connection stands.
  connection.send(emptyMessage(options.stdout ? 1 : options.stderr ? 2 : 3, protocol))
  return {
    stdin: options.stdin ? stdin : undefined,
    stdout: options.stdout ? stdout : undefined,
    stderr: options.stderr ? stderr : undefined,
    sizes: options.tty ? sizes : undefined,
    closed: channels.closed,
    async finish(status) {
      const bytes = statusBytes(status, protocol.status)
      if (bytes.length > 0) outcome?.write(bytes)
      channels.close()
    },
  }
}

function emptyMessage(channel: number, { base64 }: Protocol): string | Buffer {
  return base64 ? String(channel) : Buffer.from([channel])
}
