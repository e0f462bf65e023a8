/** Exec and attach over SPDY/3.1: the client opens a stream for each thing it asked for, and one for the outcome. */
import { finished } from 'node:stream/promises'
import { SpdySession, type SpdyStream } from '../../../lib/spdy/index.ts'
import type { CommandOptions, CommandStreams } from './command.ts'
import { statusBytes } from './outcome.ts'
import { acceptSpdy, type Upgrade } from './upgrade.ts'

interface Protocol {
  readonly status: 'json' | 'text'
  /** The terminal's size has a stream. */
  readonly resize: boolean
}

const protocols: Readonly<Record<string, Protocol>> = {
  'v4.channel.k8s.io': { status: 'json', resize: true },
  'v3.channel.k8s.io': { status: 'text', resize: true },
  'v2.channel.k8s.io': { status: 'text', resize: false },
  'channel.k8s.io': { status: 'text', resize: false },
}

/** Within which a client opens all its streams. */
const creationMs = 30_000

export function acceptSpdyCommand(
  upgrade: Upgrade,
  options: CommandOptions,
  taken: (streams: CommandStreams) => void,
): void {
  const protocol = protocols[acceptSpdy(upgrade, Object.keys(protocols)) ?? '']
  if (!protocol) return
  const streams = new Map<string, SpdyStream>()
  const expected = expectedStreams(options, protocol)
  const session = new SpdySession(upgrade.socket, {
    accept: (stream) => {
      const type = stream.headers.get('streamtype') ?? ''
      if (!expected.has(type) || streams.has(type)) throw new Error(`invalid stream type ${JSON.stringify(type)}`)
      streams.set(type, stream)
      if (streams.size < expected.size) return
      clearTimeout(deadline)
      // Not before the reply to this stream is on its way.
      queueMicrotask(() => taken(commandStreams(session, streams, protocol)))
    },
  })
  const deadline = setTimeout(() => session.end(), creationMs)
  void session.closed.then(() => clearTimeout(deadline))
}

function expectedStreams({ stdin, stdout, stderr, tty }: CommandOptions, { resize }: Protocol): ReadonlySet<string> {
  const wanted = { stdin, stdout, stderr, error: true, resize: tty && resize }
  return new Set(Object.entries(wanted).flatMap(([type, isWanted]) => (isWanted ? [type] : [])))
}

function commandStreams(
  session: SpdySession,
  streams: ReadonlyMap<string, SpdyStream>,
  protocol: Protocol,
): CommandStreams {
  const [stdout, stderr, outcome] = ['stdout', 'stderr', 'error'].map((type) => streams.get(type))
  return {
    stdin: streams.get('stdin'),
    stdout,
    stderr,
    sizes: streams.get('resize'),
    closed: session.closed,
    async finish(status) {
      const written = [stdout, stderr, outcome].filter((stream) => stream !== undefined)
      outcome?.write(statusBytes(status, protocol.status))
      for (const stream of written) stream.end()
      await Promise.allSettled(written.map((stream) => finished(stream, { readable: false })))
      session.end()
    },
  }
}
