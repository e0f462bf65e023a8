/** From a client's bytes to the bytes of the answer, for one port: checks, choice of server block, size, metrics, log. */
import { randomInt } from 'node:crypto'
import { type Chain, errorReply, type Reply } from './chain.ts'
import type { ForwardQuestion } from './forward/index.ts'
import type { DnsMetrics } from './metrics.ts'
import {
  classIN,
  decodeHeader,
  decodeMessage,
  type EdnsOption,
  encodeMessage,
  type Header,
  type Message,
  type Question,
  type ResourceRecord,
  rcodeName,
  rcodes,
  recordTypes,
  typeName,
} from './wire/index.ts'
import { zoneOf } from './zone/index.ts'

export interface Client {
  readonly protocol: 'udp' | 'tcp'
  readonly address: string
  readonly port: number
}

export interface ResponderOptions {
  readonly port: number
  readonly chains: readonly Chain[]
  readonly metrics: DnsMetrics
  /** Receives the query log's lines. */
  readonly write: (line: string) => void
  /** Sees each question first; true: it was a probe of our own. */
  readonly isLoopProbe?: (name: string, type: number) => boolean
}

const opcodeQuery = 0
/** Aliases from zone to zone: two zones may point at each other. */
const aliasesMax = 7
/** Without EDNS (RFC 1035 4.2.1), and at most (the largest UDP payload over IPv4). */
const udpSizeMin = 512
const udpSizeMax = 65_507

/** NSID, EXPIRE, COOKIE, TCP-KEEPALIVE and PADDING come back as they came (what CoreDNS does). */
const echoedOptions: ReadonlySet<number> = new Set([3, 9, 10, 11, 12])

/** Answers each message; undefined: nothing is to be sent. Never throws, never rejects. */
export class Responder {
  readonly #options: ResponderOptions
  readonly #zones: ReadonlyMap<string, Chain>
  readonly #zoneNames: readonly string[]

  constructor(options: ResponderOptions) {
    this.#options = options
    this.#zones = new Map(options.chains.flatMap((chain) => chain.config.zones.map((zone) => [zone, chain])))
    this.#zoneNames = [...this.#zones.keys()]
  }

  respond(bytes: Buffer, client: Client): Buffer | undefined | Promise<Buffer | undefined> {
    const started = performance.now()
    const header = decodeHeader(bytes)
    if (!header || header.flags.response) return undefined
    if (header.flags.opcode !== opcodeQuery) return bareError(header, rcodes.NOTIMP)
    if (header.counts.qd !== 1) return bareError(header, rcodes.FORMERR)
    let query: Message
    try {
      query = decodeMessage(bytes)
    } catch {
      return bareError(header, rcodes.FORMERR)
    }
    try {
      return this.#answer(query, client, { started, size: bytes.length })
    } catch {
      this.#options.metrics.panics({})
      return bareError(header, rcodes.SERVFAIL)
    }
  }

  #answer(query: Message, client: Client, request: Request): Buffer | Promise<Buffer> {
    const [question] = query.questions
    if (!question) return encodeReply(query, errorReply(rcodes.FORMERR), client)
    if (query.edns && query.edns.version !== 0) return encodeReply(query, errorReply(rcodes.BADVERS), client)
    const chain = this.#chainOf(question)
    if (!chain || question.class !== classIN) return this.#finish(query, errorReply(rcodes.REFUSED), client, request)
    if (this.#options.isLoopProbe?.(question.name, question.type))
      return encodeReply(query, errorReply(rcodes.NXDOMAIN), client)
    const { recursionDesired, checkingDisabled } = query.flags
    const dnssecOk = query.edns?.dnssecOk ?? false
    const reply = this.#resolve(chain, { question, recursionDesired, checkingDisabled, dnssecOk }, 0)
    const finish = (done: Reply) => this.#finish(query, done, client, request, chain)
    return reply instanceof Promise
      ? reply.then(finish).catch(() => finish(errorReply(rcodes.SERVFAIL)))
      : finish(reply)
  }

  #resolve(chain: Chain, asked: ForwardQuestion, aliases: number): Reply | Promise<Reply> {
    return chain.resolve(asked, (target) => {
      const next = aliases < aliasesMax ? this.#chainOf(target.question) : undefined
      return next ? this.#resolve(next, target, aliases + 1) : errorReply(rcodes.SERVFAIL)
    })
  }

  #chainOf({ name }: Question): Chain | undefined {
    const zone = zoneOf(this.#zoneNames, name.toLowerCase())
    return zone === undefined ? undefined : this.#zones.get(zone)
  }

  #finish(query: Message, reply: Reply, client: Client, request: Request, chain?: Chain): Buffer {
    const bytes = encodeReply(query, chain?.config.loadbalance ? shuffled(reply) : reply, client)
    const seconds = (performance.now() - request.started) / 1000
    this.#count(query, reply, { client, seconds, zone: chain?.config.zones[0] ?? 'dropped' })
    if (chain?.config.log) this.#options.write(logLine(query, reply, { client, seconds, request: request.size, bytes }))
    return bytes
  }

  #count(
    query: Message,
    reply: Reply,
    { client, seconds, zone }: { client: Client; seconds: number; zone: string },
  ): void {
    const { metrics, port } = this.#options
    const server = `dns://:${port}`
    const type = query.questions[0]?.type ?? 0
    const family = client.address.includes(':') ? 2 : 1
    // Types without a name of their own are one, so that nobody can grow the registry by asking.
    const known = typeName(type)
    metrics.requests({
      server,
      zone,
      view: '',
      proto: client.protocol,
      family,
      type: known.startsWith('TYPE') ? 'other' : known,
    })
    metrics.responses({ server, zone, view: '', rcode: rcodeName(reply.rcode) })
    metrics.duration({ server, zone, view: '' }, seconds)
  }
}

interface Request {
  readonly started: number
  readonly size: number
}

function encodeReply(query: Message, reply: Reply, { protocol }: Client): Buffer {
  const { edns } = query
  const limit = protocol === 'tcp' ? undefined : Math.min(Math.max(edns?.udpSize ?? 0, udpSizeMin), udpSizeMax)
  const message: Message = {
    id: query.id,
    flags: {
      response: true,
      opcode: opcodeQuery,
      authoritative: reply.authoritative,
      truncated: reply.truncated,
      recursionDesired: query.flags.recursionDesired,
      recursionAvailable: reply.recursionAvailable,
      authenticData: reply.authenticData,
      checkingDisabled: query.flags.checkingDisabled,
    },
    // Without EDNS in the question there is no place for the upper bits.
    rcode: edns ? reply.rcode : reply.rcode & 0xf,
    questions: query.questions,
    answers: reply.answers,
    authorities: reply.authorities,
    additionals: reply.additionals,
    ...(edns && { edns: { ...edns, version: 0, options: edns.options.filter(echoed) } }),
  }
  return encodeMessage(message, limit)
}

function echoed({ code }: EdnsOption): boolean {
  return echoedOptions.has(code)
}

/** A header alone: the question could not be read, or is of a kind not served. */
function bareError({ id, flags }: Header, rcode: number): Buffer {
  return encodeMessage({
    id,
    flags: {
      ...flags,
      response: true,
      authoritative: false,
      truncated: false,
      recursionAvailable: false,
      authenticData: false,
    },
    rcode,
    questions: [],
    answers: [],
    authorities: [],
    additionals: [],
  })
}

/** CNAMEs stay in front and in order, addresses behind them take turns. */
function shuffled(reply: Reply): Reply {
  return { ...reply, answers: addressesShuffled(reply.answers), additionals: addressesShuffled(reply.additionals) }
}

function addressesShuffled(records: readonly ResourceRecord[]): readonly ResourceRecord[] {
  if (records.length < 2) return records
  const isAddress = ({ type }: ResourceRecord) =>
    type === recordTypes.A || type === recordTypes.AAAA || type === recordTypes.MX
  const addresses = records.filter(isAddress)
  for (let i = addresses.length - 1; i > 0; i--) {
    const j = randomInt(i + 1)
    const [a, b] = [addresses[i], addresses[j]]
    if (a && b) [addresses[i], addresses[j]] = [b, a]
  }
  return [...records.filter((record) => !isAddress(record)), ...addresses]
}

/** CoreDNS's common log format. */
function logLine(
  query: Message,
  reply: Reply,
  { client, seconds, request, bytes }: { client: Client; seconds: number; request: number; bytes: Buffer },
): string {
  const [question] = query.questions
  const remote = client.address.includes(':') ? `[${client.address}]` : client.address
  const flags = [
    'qr',
    reply.authoritative && 'aa',
    query.flags.recursionDesired && 'rd',
    reply.recursionAvailable && 'ra',
  ]
  const what = `${typeName(question?.type ?? 0)} IN ${question?.name ?? ''} ${client.protocol} ${request}`
  const edns = `${query.edns?.dnssecOk ?? false} ${query.edns?.udpSize ?? udpSizeMin}`
  return `[INFO] ${remote}:${client.port} - ${query.id} "${what} ${edns}" ${rcodeName(reply.rcode)} ${flags.filter(Boolean).join(',')} ${bytes.length} ${seconds.toFixed(9)}s`
}
