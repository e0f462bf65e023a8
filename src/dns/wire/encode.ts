/** Message to bytes, with name compression, cut to a size where the transport has one. */
import { parseIp } from '../../lib/ip.ts'
import { type Compression, nameLength, writeName } from './name.ts'
import {
  type Edns,
  type Flags,
  headerLength,
  type Message,
  type Question,
  type RecordData,
  type ResourceRecord,
  recordTypes,
  WireError,
} from './types.ts'

const messageLengthMax = 65_535

/** Length of the message without any compression: an upper bound of what `encodeMessage` returns. */
export function lengthBound(message: Message): number {
  let length = headerLength
  for (const { name } of message.questions) length += nameLength(name) + 4
  for (const section of [message.answers, message.authorities, message.additionals]) {
    for (const { name, data } of section) length += nameLength(name) + 10 + dataLength(data)
  }
  return length + ednsLength(message.edns)
}

function dataLength(data: RecordData): number {
  switch (data.type) {
    case 'address':
      return data.address.includes(':') ? 16 : 4
    case 'name':
      return nameLength(data.target)
    case 'mx':
      return 2 + nameLength(data.target)
    case 'srv':
      return 6 + nameLength(data.target)
    case 'soa':
      return nameLength(data.mname) + nameLength(data.rname) + 20
    case 'txt':
      return data.strings.reduce((sum, text) => sum + 1 + text.length, 0)
    case 'opaque':
      return data.bytes.length
  }
}

function ednsLength(edns: Edns | undefined): number {
  return edns ? edns.options.reduce((sum, { data }) => sum + 4 + data.length, 11) : 0
}

/**
 * At most `limit` bytes: records that do not fit are left out from the end on and the TC bit is set (RFC 2181 9). The
 * OPT record is never left out (RFC 6891 7).
 */
export function encodeMessage(message: Message, limit: number = messageLengthMax): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(lengthBound(message), headerLength))
  const writer = new Writer(bytes, Math.min(limit, messageLengthMax) - ednsLength(message.edns))
  for (const question of message.questions) writer.question(question)
  const an = writer.records(message.answers)
  const ns = an === message.answers.length ? writer.records(message.authorities) : 0
  const complete = an === message.answers.length && ns === message.authorities.length
  const ar = complete ? writer.records(message.additionals) : 0
  const truncated = !complete || ar < message.additionals.length
  if (message.edns) writer.edns(message.edns, message.rcode)
  bytes.writeUInt16BE(message.id, 0)
  bytes.writeUInt16BE(flagWord({ ...message.flags, truncated: truncated || message.flags.truncated }, message.rcode), 2)
  bytes.writeUInt16BE(message.questions.length, 4)
  bytes.writeUInt16BE(an, 6)
  bytes.writeUInt16BE(ns, 8)
  bytes.writeUInt16BE(ar + (message.edns ? 1 : 0), 10)
  return bytes.subarray(0, writer.at)
}

function flagWord(flags: Flags, rcode: number): number {
  return (
    (flags.response ? 0x8000 : 0) |
    ((flags.opcode & 0xf) << 11) |
    (flags.authoritative ? 0x0400 : 0) |
    (flags.truncated ? 0x0200 : 0) |
    (flags.recursionDesired ? 0x0100 : 0) |
    (flags.recursionAvailable ? 0x0080 : 0) |
    (flags.authenticData ? 0x0020 : 0) |
    (flags.checkingDisabled ? 0x0010 : 0) |
    (rcode & 0xf)
  )
}

class Writer {
  at = headerLength
  readonly #bytes: Buffer
  readonly #limit: number
  readonly #compression: Compression = new Map()

  constructor(bytes: Buffer, limit: number) {
    this.#bytes = bytes
    this.#limit = limit
  }

  question({ name, type, class: questionClass }: Question): void {
    this.at = writeName(this.#bytes, this.at, name, this.#compression)
    this.at = this.#bytes.writeUInt16BE(type, this.at)
    this.at = this.#bytes.writeUInt16BE(questionClass, this.at)
  }

  /** How many of them fitted. Names of one that did not must not be pointed to, so nothing follows it. */
  records(records: readonly ResourceRecord[]): number {
    for (const [i, record] of records.entries()) {
      const start = this.at
      this.#record(record)
      if (this.at > this.#limit) {
        this.at = start
        return i
      }
    }
    return records.length
  }

  edns({ udpSize, version, dnssecOk, options }: Edns, rcode: number): void {
    this.#bytes[this.at] = 0
    this.#bytes.writeUInt16BE(recordTypes.OPT, this.at + 1)
    this.#bytes.writeUInt16BE(udpSize, this.at + 3)
    this.#bytes.writeUInt32BE((((rcode >> 4) << 24) | (version << 16) | (dnssecOk ? 0x8000 : 0)) >>> 0, this.at + 5)
    const length = options.reduce((sum, { data }) => sum + 4 + data.length, 0)
    this.at = this.#bytes.writeUInt16BE(length, this.at + 9)
    for (const { code, data } of options) {
      this.at = this.#bytes.writeUInt16BE(code, this.at)
      this.at = this.#bytes.writeUInt16BE(data.length, this.at)
      this.at += data.copy(this.#bytes, this.at)
    }
  }

  #record({ name, type, class: recordClass, ttl, data }: ResourceRecord): void {
    const bytes = this.#bytes
    this.at = writeName(bytes, this.at, name, this.#compression)
    bytes.writeUInt16BE(type, this.at)
    bytes.writeUInt16BE(recordClass, this.at + 2)
    bytes.writeUInt32BE(ttl, this.at + 4)
    const lengthAt = this.at + 8
    this.at += 10
    this.#data(data)
    bytes.writeUInt16BE(this.at - lengthAt - 2, lengthAt)
  }

  #data(data: RecordData): void {
    const bytes = this.#bytes
    switch (data.type) {
      case 'address':
        this.at = writeAddress(bytes, this.at, data.address)
        return
      case 'name':
        this.at = writeName(bytes, this.at, data.target, this.#compression)
        return
      case 'mx':
        this.at = writeName(bytes, bytes.writeUInt16BE(data.preference, this.at), data.target, this.#compression)
        return
      case 'srv':
        for (const field of [data.priority, data.weight, data.port]) this.at = bytes.writeUInt16BE(field, this.at)
        // RFC 2782: the target is not compressed.
        this.at = writeName(bytes, this.at, data.target)
        return
      case 'soa':
        this.at = writeName(bytes, this.at, data.mname, this.#compression)
        this.at = writeName(bytes, this.at, data.rname, this.#compression)
        for (const field of [data.serial, data.refresh, data.retry, data.expire, data.minimum]) {
          this.at = bytes.writeUInt32BE(field, this.at)
        }
        return
      case 'txt':
        for (const text of data.strings) {
          if (text.length > 255) throw new WireError('tooLong', 'a TXT string is longer than 255 bytes')
          bytes[this.at] = text.length
          this.at += 1 + bytes.write(text, this.at + 1, 'latin1')
        }
        return
      case 'opaque':
        this.at += data.bytes.copy(bytes, this.at)
        return
    }
  }
}

function writeAddress(bytes: Buffer, at: number, address: string): number {
  if (!address.includes(':')) {
    const octets = address.split('.')
    for (let i = 0; i < 4; i++) bytes[at + i] = Number(octets[i])
    return at + 4
  }
  const value = parseIp(address)?.value
  if (value === undefined) throw new WireError('malformed', `not an address: ${address}`)
  bytes.writeBigUInt64BE(value >> 64n, at)
  return bytes.writeBigUInt64BE(value & 0xffff_ffff_ffff_ffffn, at + 8)
}
