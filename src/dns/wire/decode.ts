/** Bytes to message. Everything is bounds-checked; what does not follow the format throws WireError. */
import { formatIp } from '../../lib/ip.ts'
import { readName } from './name.ts'
import {
  type Edns,
  type EdnsOption,
  type Flags,
  headerLength,
  type Message,
  type Question,
  type RecordData,
  type ResourceRecord,
  recordTypes,
  WireError,
} from './types.ts'

export interface Header {
  readonly id: number
  readonly flags: Flags
  readonly rcode: number
  readonly counts: { readonly qd: number; readonly an: number; readonly ns: number; readonly ar: number }
}

/** Undefined: too short to be a message at all, there is nothing to answer to. */
export function decodeHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < headerLength) return undefined
  const word = bytes.readUInt16BE(2)
  return {
    id: bytes.readUInt16BE(0),
    flags: decodeFlags(word),
    rcode: word & 0xf,
    counts: {
      qd: bytes.readUInt16BE(4),
      an: bytes.readUInt16BE(6),
      ns: bytes.readUInt16BE(8),
      ar: bytes.readUInt16BE(10),
    },
  }
}

function decodeFlags(word: number): Flags {
  return {
    response: (word & 0x8000) !== 0,
    opcode: (word >> 11) & 0xf,
    authoritative: (word & 0x0400) !== 0,
    truncated: (word & 0x0200) !== 0,
    recursionDesired: (word & 0x0100) !== 0,
    recursionAvailable: (word & 0x0080) !== 0,
    authenticData: (word & 0x0020) !== 0,
    checkingDisabled: (word & 0x0010) !== 0,
  }
}

/** Bytes after the last record are ignored, as every server does. */
export function decodeMessage(bytes: Buffer): Message {
  const header = decodeHeader(bytes)
  if (!header) throw new WireError('malformed', 'message is shorter than a header')
  const reader = new Reader(bytes, headerLength)
  const questions = reader.many(header.counts.qd, () => reader.question())
  const answers = reader.many(header.counts.an, () => reader.record())
  const authorities = reader.many(header.counts.ns, () => reader.record())
  const additionals = reader.many(header.counts.ar, () => reader.record())
  const opts = additionals.filter(({ type }) => type === recordTypes.OPT)
  if (opts.length > 1) throw new WireError('malformed', 'more than one OPT record')
  const [opt] = opts
  return {
    id: header.id,
    flags: header.flags,
    rcode: header.rcode | (opt ? (opt.ttl >>> 24) << 4 : 0),
    questions,
    answers,
    authorities,
    additionals: opt ? additionals.filter((record) => record !== opt) : additionals,
    ...(opt && { edns: decodeEdns(opt) }),
  }
}

function decodeEdns({ class: udpSize, ttl, data }: ResourceRecord): Edns {
  const bytes = data.type === 'opaque' ? data.bytes : Buffer.alloc(0)
  const options: EdnsOption[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + (at + 4 <= bytes.length ? bytes.readUInt16BE(at + 2) : bytes.length)
    if (end > bytes.length) throw new WireError('malformed', 'EDNS option runs past its record')
    options.push({ code: bytes.readUInt16BE(at), data: bytes.subarray(at + 4, end) })
    at = end
  }
  return { udpSize, version: (ttl >>> 16) & 0xff, dnssecOk: (ttl & 0x8000) !== 0, options }
}

class Reader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  many<T>(count: number, read: () => T): T[] {
    const list: T[] = []
    for (let i = 0; i < count; i++) list.push(read())
    return list
  }

  question(): Question {
    const name = this.#name()
    this.#need(4)
    const question = { name, type: this.#bytes.readUInt16BE(this.#at), class: this.#bytes.readUInt16BE(this.#at + 2) }
    this.#at += 4
    return question
  }

  record(): ResourceRecord {
    const name = this.#name()
    this.#need(10)
    const type = this.#bytes.readUInt16BE(this.#at)
    const recordClass = this.#bytes.readUInt16BE(this.#at + 2)
    const ttl = this.#bytes.readUInt32BE(this.#at + 4)
    const length = this.#bytes.readUInt16BE(this.#at + 8)
    this.#at += 10
    this.#need(length)
    const data = readData(this.#bytes, { type, at: this.#at, length })
    this.#at += length
    return { name, type, class: recordClass, ttl, data }
  }

  #name(): string {
    const { name, next } = readName(this.#bytes, this.#at)
    this.#at = next
    return name
  }

  #need(length: number): void {
    if (this.#at + length > this.#bytes.length)
      throw new WireError('malformed', 'record runs past the end of the message')
  }
}

function readData(bytes: Buffer, { type, at, length }: { type: number; at: number; length: number }): RecordData {
  const end = at + length
  const name = (from: number) => {
    const read = readName(bytes, from)
    if (read.next > end) throw new WireError('malformed', 'name runs past its record')
    return read
  }
  const exact = (ok: boolean) => {
    if (!ok) throw new WireError('malformed', 'record data has the wrong length')
  }
  switch (type) {
    case recordTypes.A:
    case recordTypes.AAAA:
      exact(length === (type === recordTypes.A ? 4 : 16))
      return { type: 'address', address: readAddress(bytes.subarray(at, end)) }
    case recordTypes.NS:
    case recordTypes.CNAME:
    case recordTypes.PTR: {
      const { name: target, next } = name(at)
      exact(next === end)
      return { type: 'name', target }
    }
    case recordTypes.MX: {
      exact(length > 2)
      const { name: target, next } = name(at + 2)
      exact(next === end)
      return { type: 'mx', preference: bytes.readUInt16BE(at), target }
    }
    case recordTypes.SRV: {
      exact(length > 6)
      const { name: target, next } = name(at + 6)
      exact(next === end)
      const [priority, weight, port] = [0, 2, 4].map((i) => bytes.readUInt16BE(at + i)) as [number, number, number]
      return { type: 'srv', priority, weight, port, target }
    }
    case recordTypes.SOA: {
      const mname = name(at)
      const rname = name(mname.next)
      exact(rname.next + 20 === end)
      const word = (i: number) => bytes.readUInt32BE(rname.next + 4 * i)
      return {
        type: 'soa',
        mname: mname.name,
        rname: rname.name,
        serial: word(0),
        refresh: word(1),
        retry: word(2),
        expire: word(3),
        minimum: word(4),
      }
    }
    case recordTypes.TXT:
      return { type: 'txt', strings: readStrings(bytes.subarray(at, end)) }
    default:
      // Copied: the message's buffer may be reused while the record lives on in a cache.
      return { type: 'opaque', bytes: Buffer.from(bytes.subarray(at, end)) }
  }
}

function readAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  return formatIp({ family: 6, value: BigInt(`0x${bytes.toString('hex')}`) })
}

function readStrings(bytes: Buffer): string[] {
  const strings: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + (bytes[at] ?? 0)
    if (end > bytes.length) throw new WireError('malformed', 'string runs past its record')
    strings.push(bytes.toString('latin1', at + 1, end))
    at = end
  }
  return strings
}
