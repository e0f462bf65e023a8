import { describe, expect, test } from 'vitest'
import {
  decodeMessage,
  encodeMessage,
  frame,
  lengthBound,
  type Message,
  recordTypes,
  Unframer,
  WireError,
} from './index.ts'
import { escapeLabel, labelsOf } from './name.ts'
import { query, queryFlags } from './query.fixture.ts'
import type { RecordData, ResourceRecord } from './types.ts'

const flags = { ...queryFlags, response: true, authoritative: true }

function record(name: string, type: number, data: RecordData): ResourceRecord {
  return { name, type, class: 1, ttl: 30, data }
}

const everyKind: ResourceRecord[] = [
  record('web.demo.svc.cluster.local.', recordTypes.A, { type: 'address', address: '10.96.100.1' }),
  record('web.demo.svc.cluster.local.', recordTypes.AAAA, { type: 'address', address: 'fd00::1:0:0:1' }),
  record('ext.demo.svc.cluster.local.', recordTypes.CNAME, { type: 'name', target: 'example.com.' }),
  record('cluster.local.', recordTypes.NS, { type: 'name', target: 'ns.dns.cluster.local.' }),
  record('1.100.96.10.in-addr.arpa.', recordTypes.PTR, { type: 'name', target: 'web.demo.svc.cluster.local.' }),
  record('example.com.', recordTypes.MX, { type: 'mx', preference: 10, target: 'mail.example.com.' }),
  record('_http._tcp.web.demo.svc.cluster.local.', recordTypes.SRV, {
    type: 'srv',
    priority: 0,
    weight: 100,
    port: 80,
    target: 'web.demo.svc.cluster.local.',
  }),
  record('cluster.local.', recordTypes.SOA, {
    type: 'soa',
    mname: 'ns.dns.cluster.local.',
    rname: 'hostmaster.cluster.local.',
    serial: 1_795_229_159,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: 30,
  }),
  record('dns-version.cluster.local.', recordTypes.TXT, { type: 'txt', strings: ['1.1.0', ''] }),
  record('.', 65, { type: 'opaque', bytes: Buffer.from([1, 2, 3]) }),
  record('a\\.b\\\\c\\000\\255.x.', recordTypes.HINFO, { type: 'opaque', bytes: Buffer.alloc(0) }),
]

const message = (parts: Partial<Message> = {}) => query('web.demo.svc.cluster.local.', { flags, ...parts })

/** Predicted length, encode, decode, encode again. */
function roundTrip(original: Message): void {
  const bytes = encodeMessage(original)
  expect(bytes.length).toBeLessThanOrEqual(lengthBound(original))
  const decoded = decodeMessage(bytes)
  expect(decoded).toEqual(original)
  expect(encodeMessage(decoded)).toEqual(bytes)
}

describe('round trip', () => {
  test.each(everyKind.map((each): [string, ResourceRecord] => [`${each.data.type} ${each.name}`, each]))(
    '%s',
    (_, each) => {
      roundTrip(message({ answers: [each], authorities: [each], additionals: [each, each] }))
    },
  )
  test('all kinds, all flags, EDNS with options and an extended rcode', () => {
    const all = Object.fromEntries(Object.keys(flags).map((flag) => [flag, flag === 'opcode' ? 15 : true]))
    roundTrip(
      message({
        flags: all as unknown as typeof flags,
        rcode: 16,
        answers: everyKind,
        edns: {
          udpSize: 1232,
          version: 0,
          dnssecOk: true,
          options: [{ code: 10, data: Buffer.from('a1f2ba87', 'hex') }],
        },
      }),
    )
  })
  test('random messages', () => {
    const seed = Date.now() % 1_000_000
    let state = seed
    const random = (n: number) => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % n
    const pick = () => Array.from({ length: random(6) }, () => everyKind[random(everyKind.length)] as ResourceRecord)
    for (let i = 0; i < 200; i++) {
      try {
        roundTrip(message({ id: random(65_536), answers: pick(), authorities: pick(), additionals: pick() }))
      } catch (error) {
        throw new Error(`seed ${seed}, message ${i}`, { cause: error })
      }
    }
  })
})

describe('bounds', () => {
  test('damaged messages are refused or read, never worse', () => {
    const seed = Date.now() % 1_000_000
    let state = seed
    const random = (n: number) => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % n
    const whole = encodeMessage(
      message({ answers: everyKind, edns: { udpSize: 4096, version: 0, dnssecOk: false, options: [] } }),
    )
    for (let i = 0; i < 3000; i++) {
      const bytes = Buffer.from(whole.subarray(0, random(4) === 0 ? random(whole.length) : whole.length))
      for (let flips = random(6); flips > 0 && bytes.length > 0; flips--) bytes[random(bytes.length)] = random(256)
      try {
        const decoded = decodeMessage(bytes)
        encodeMessage(decoded)
      } catch (error) {
        if (!(error instanceof WireError)) throw new Error(`seed ${seed}, message ${i}`, { cause: error })
      }
    }
  })
  test('a pointer to itself, forwards, or past the end is refused', () => {
    for (const target of [12, 14, 200]) {
      const bytes = Buffer.alloc(18)
      bytes.writeUInt16BE(1, 4)
      bytes.writeUInt16BE(0xc000 | target, 12)
      expect(() => decodeMessage(bytes)).toThrow(WireError)
    }
  })
  test('an over-long name is refused in both directions', () => {
    const name = `${'a'.repeat(63)}.`.repeat(4)
    expect(() => encodeMessage(message({ questions: [{ name, type: 1, class: 1 }] }))).toThrow(WireError)
    expect(() => encodeMessage(message({ questions: [{ name: `${'a'.repeat(64)}.`, type: 1, class: 1 }] }))).toThrow(
      WireError,
    )
  })
})

describe('size', () => {
  const address = (i: number) => record('web.demo.svc.cluster.local.', 1, { type: 'address', address: `10.244.0.${i}` })
  const many = message({ answers: Array.from({ length: 100 }, (_, i) => address(i)) })

  test('names are compressed: 16 bytes for each further address', () => {
    expect(encodeMessage(many).length).toBe(12 + 28 + 4 + 100 * 16)
  })
  test('what does not fit is left out, and TC says so', () => {
    const edns = { udpSize: 512, version: 0, dnssecOk: false, options: [] }
    const bytes = encodeMessage({ ...many, edns, additionals: [address(1)] }, 512)
    expect(bytes.length).toBeLessThanOrEqual(512)
    const cut = decodeMessage(bytes)
    expect([cut.flags.truncated, cut.answers.length, cut.additionals.length, cut.edns?.udpSize]).toEqual([
      true,
      28,
      0,
      512,
    ])
  })
  test('without records too much there is no TC', () => {
    expect(decodeMessage(encodeMessage(many, 1644)).flags.truncated).toBe(false)
    expect(decodeMessage(encodeMessage(many, 1643)).flags.truncated).toBe(true)
  })
})

test('labels in presentation form', () => {
  expect(labelsOf('.')).toEqual([])
  expect(labelsOf('a\\.b.c\\092.')).toEqual(['a.b', 'c\\'])
  expect(labelsOf('a\\.')).toEqual(['a.'])
  expect(escapeLabel('a.b c\\')).toBe('a\\.b\\032c\\\\')
})

test('TCP frames, cut anywhere', () => {
  const messages = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(300, 7)]
  const stream = Buffer.concat(messages.map(frame))
  for (const step of [1, 2, 7, stream.length]) {
    const unframer = new Unframer()
    const found: Buffer[] = []
    for (let at = 0; at < stream.length; at += step) found.push(...unframer.push(stream.subarray(at, at + step)))
    expect(found).toEqual(messages)
  }
})
