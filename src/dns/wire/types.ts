/** DNS messages as data (RFC 1035, RFC 6891). Names are absolute, in presentation form with a final dot. */

export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

export const classIN = 1

/** Bytes before the questions (RFC 1035 4.1.1). */
export const headerLength = 12

export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const

const typeNames = new Map<number, string>(Object.entries(recordTypes).map(([name, code]) => [code, name]))
const rcodeNames = new Map<number, string>(Object.entries(rcodes).map(([name, code]) => [code, name]))

/** `A`; `TYPE65` for what has no name here. */
export const typeName = (type: number): string => typeNames.get(type) ?? `TYPE${type}`

export const rcodeName = (rcode: number): string => rcodeNames.get(rcode) ?? `RCODE${rcode}`

export interface Question {
  readonly name: string
  readonly type: number
  readonly class: number
}

/** The data of the types this server makes or looks into; all others pass through as bytes. */
export type RecordData =
  | { readonly type: 'address'; readonly address: string }
  | { readonly type: 'name'; readonly target: string }
  | { readonly type: 'mx'; readonly preference: number; readonly target: string }
  | {
      readonly type: 'srv'
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: string
    }
  | {
      readonly type: 'soa'
      readonly mname: string
      readonly rname: string
      readonly serial: number
      readonly refresh: number
      readonly retry: number
      readonly expire: number
      readonly minimum: number
    }
  | { readonly type: 'txt'; readonly strings: readonly string[] }
  | { readonly type: 'opaque'; readonly bytes: Buffer }

export interface ResourceRecord {
  readonly name: string
  /** RFC 1035 TYPE; `data.type` is the shape, `type` the code. */
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly data: RecordData
}

export interface EdnsOption {
  readonly code: number
  readonly data: Buffer
}

/** The OPT pseudo-record, taken out of the additional section. */
export interface Edns {
  /** Largest UDP payload the sender takes. */
  readonly udpSize: number
  readonly version: number
  readonly dnssecOk: boolean
  readonly options: readonly EdnsOption[]
}

export interface Flags {
  readonly response: boolean
  readonly opcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
}

export interface Message {
  readonly id: number
  readonly flags: Flags
  /** Twelve bits with EDNS, four without. */
  readonly rcode: number
  readonly questions: readonly Question[]
  readonly answers: readonly ResourceRecord[]
  readonly authorities: readonly ResourceRecord[]
  readonly additionals: readonly ResourceRecord[]
  readonly edns?: Edns
}

/** `malformed`: does not follow the format. `tooLong`: a limit of the format is exceeded. */
export class WireError extends Error {
  readonly code: 'malformed' | 'tooLong'

  constructor(code: WireError['code'], message: string) {
    super(message)
    this.name = 'WireError'
    this.code = code
  }
}
