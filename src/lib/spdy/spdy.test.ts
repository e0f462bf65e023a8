import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import { constants, createDeflate, createInflate, type Deflate } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { lingerMs } from '../drained.ts'
import {
  dataHead,
  type Frame,
  FrameReader,
  goAwayFrame,
  pingFrame,
  rstStreamFrame,
  synReplyFrame,
  synStreamFrame,
} from './frames.ts'
import { dictionary, formatHeaders, HeaderDeflater, HeaderInflater, parseHeaders } from './headers.ts'
import { SpdySession, type SpdyStream } from './index.ts'

/** RFC 1950 8.2. */
function adler32(bytes: Buffer): number {
  let [a, b] = [1, 0]
  for (const byte of bytes) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  return b * 65536 + a
}

/** As Go's zlib writer does it: one stream, flushed after each block. */
function goDeflate(deflate: Deflate, block: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const take = (chunk: Buffer) => chunks.push(chunk)
    deflate.on('data', take)
    deflate.write(block)
    deflate.flush(constants.Z_SYNC_FLUSH, () => {
      deflate.off('data', take)
      resolve(Buffer.concat(chunks))
    })
  })
}

const headers = (...pairs: [string, string][]) => new Map(pairs)

describe('header blocks', () => {
  test('know the dictionary of the draft', () => {
    expect(dictionary.length).toBe(1423)
    expect(adler32(dictionary)).toBe(0xe3c6a7c2)
  })

  test('are read one after the other from one compressed stream', async () => {
    const deflate = createDeflate({ dictionary })
    const inflater = new HeaderInflater()
    for (let i = 0; i < 50; i++) {
      const sent = headers(['streamtype', 'data'], ['port', String(i)], ['requestid', 'x'.repeat(i * 100)])
      expect(await inflater.inflate(await goDeflate(deflate, formatHeaders(sent)))).toEqual(sent)
    }
    inflater.close()
  })

  test('are written as any inflater reads them', async () => {
    const deflater = new HeaderDeflater()
    const sent = [headers(), headers(['a', 'b']), headers(['long', 'y'.repeat(30_000)])]
    const inflate = createInflate({ dictionary, finishFlush: constants.Z_SYNC_FLUSH })
    const chunks: Buffer[] = []
    inflate.on('data', (chunk: Buffer) => chunks.push(chunk))
    const blocks = sent.map((each) => deflater.deflate(each))
    for (const block of blocks) expect(block.subarray(-4).toString('hex'), 'what Go waits for').toBe('0000ffff')
    for (const block of blocks) inflate.write(block)
    inflate.end()
    await once(inflate, 'end')
    expect(Buffer.concat(chunks)).toEqual(Buffer.concat(sent.map(formatHeaders)))
  })

  test('that grow without end are refused', async () => {
    const bomb = await goDeflate(createDeflate({ dictionary }), Buffer.alloc(1_000_000))
    await expect(new HeaderInflater().inflate(bomb)).rejects.toThrow('too large')
  })

  test('that are no header blocks are refused', async () => {
    const bad: [string, Buffer][] = [
      ['nothing', Buffer.alloc(0)],
      ['a count without headers', Buffer.from([0, 0, 0, 1])],
      ['a length beyond the end', Buffer.from([0, 0, 0, 1, 0, 0, 0, 9, 65])],
      [
        'a name twice',
        Buffer.concat([Buffer.from([0, 0, 0, 2]), ...[1, 2].map(() => formatHeaders(headers(['a', ''])).subarray(4))]),
      ],
    ]
    for (const [what, block] of bad) expect(() => parseHeaders(block), what).toThrow()
    await expect(new HeaderInflater().inflate(Buffer.from('no zlib'))).rejects.toThrow('header block')
  })
})

describe('frames', () => {
  const bytes = Buffer.concat([
    synStreamFrame(1, Buffer.from('block'), true),
    dataHead(1, 3),
    Buffer.from('abc'),
    dataHead(1, 0, true),
    synReplyFrame(3, Buffer.from('reply')),
    rstStreamFrame(3, 5),
    pingFrame(7),
    goAwayFrame(3),
  ])
  const frames: Frame[] = [
    { type: 'synStream', streamId: 1, fin: true, block: Buffer.from('block') },
    { type: 'data', streamId: 1, fin: false, data: Buffer.from('abc') },
    { type: 'data', streamId: 1, fin: true, data: Buffer.alloc(0) },
    { type: 'synReply', streamId: 3, fin: false, block: Buffer.from('reply') },
    { type: 'rstStream', streamId: 3, status: 5 },
    { type: 'ping', id: 7 },
    { type: 'goAway', lastStreamId: 3 },
  ]

  test('are the same, however the bytes come', () => {
    for (const size of [1, 2, 7, 13, bytes.length]) {
      const reader = new FrameReader()
      const read: Frame[] = []
      for (let at = 0; at < bytes.length; at += size) read.push(...reader.read(bytes.subarray(at, at + size)))
      const whole = read.filter((frame) => frame.type !== 'data' || frame.fin)
      expect(whole).toEqual(frames.filter((frame) => frame.type !== 'data' || frame.fin))
      const data = read.flatMap((frame) => (frame.type === 'data' ? [frame.data] : []))
      expect(Buffer.concat(data).toString()).toBe('abc')
    }
  })

  test('have the bytes the draft shows', () => {
    expect(pingFrame(1).toString('hex')).toBe('800300060000000400000001')
    expect(dataHead(5, 10, true).toString('hex')).toBe('000000050100000a')
    expect(rstStreamFrame(3, 5).toString('hex')).toBe('80030003000000080000000300000005')
  })

  test('of another version, or without end, are refused', () => {
    expect(() => [...new FrameReader().read(Buffer.from('8002000600000004', 'hex'))]).toThrow('version 2')
    expect(() => [...new FrameReader().read(Buffer.from('80030001ffffffff', 'hex'))]).toThrow('16777215 bytes')
    expect(() => [...new FrameReader().read(Buffer.from('800300030000000400000001', 'hex'))]).toThrow('too short')
  })
})

interface Peer {
  readonly transport: Duplex
  readonly session: SpdySession
  readonly accepted: SpdyStream[]
  open(id: number, fin?: boolean): Promise<void>
  /** Frames seen so far, until `enough`. */
  seen(what: string, enough: (frames: readonly Frame[]) => boolean): Promise<Frame[]>
}

function connect(accept: (stream: SpdyStream) => void = () => {}): Peer {
  const [ours, theirs] = duplexPair()
  const accepted: SpdyStream[] = []
  const frames: Frame[] = []
  const reader = new FrameReader()
  const deflate = createDeflate({ dictionary })
  let news = () => {}
  ours.on('data', (chunk: Buffer) => {
    frames.push(...reader.read(chunk))
    news()
  })
  const session = new SpdySession(theirs, {
    accept: (stream) => {
      accept(stream)
      accepted.push(stream)
    },
  })
  return {
    transport: ours,
    session,
    accepted,
    async open(id, fin = false) {
      const block = await goDeflate(deflate, formatHeaders(headers(['streamtype', 'data'])))
      ours.write(synStreamFrame(id, block, fin))
    },
    async seen(what, enough) {
      const deadline = setTimeout(() => expect.fail(`waited for ${what}; saw ${JSON.stringify(frames)}`), 5000)
      while (!enough(frames)) await new Promise<void>((resolve) => (news = resolve))
      clearTimeout(deadline)
      return frames
    },
  }
}

const has = (type: Frame['type']) => (frames: readonly Frame[]) => frames.some((frame) => frame.type === type)

describe('a session', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('answers a stream, passes its data and its end both ways', async () => {
    const peer = connect((stream) => void stream.pipe(stream))
    await peer.open(1)
    peer.transport.write(Buffer.concat([dataHead(1, 5), Buffer.from('hello'), dataHead(1, 0, true)]))
    const ended = (frames: readonly Frame[]) => frames.some((frame) => frame.type === 'data' && frame.fin)
    const frames = await peer.seen('the end of the stream', ended)
    expect(frames.map(({ type }) => type)).toEqual(['synReply', 'data', 'data'])
    expect(peer.accepted[0]?.headers).toEqual(headers(['streamtype', 'data']))
  })

  test('answers pings of the client, and no others', async () => {
    const peer = connect()
    peer.transport.write(pingFrame(2))
    peer.transport.write(pingFrame(1))
    expect(await peer.seen('a ping', has('ping'))).toEqual([{ type: 'ping', id: 1 }])
  })

  test('resets a stream that is not accepted, and goes on', async () => {
    let first = true
    const peer = connect(() => {
      if (first) {
        first = false
        throw new Error('no')
      }
    })
    await peer.open(1)
    await peer.open(3)
    const frames = await peer.seen('a reply', has('synReply'))
    expect(frames).toMatchObject([
      { type: 'rstStream', streamId: 1, status: 5 },
      { type: 'synReply', streamId: 3 },
    ])
  })

  test('holds the sender up while a stream is not read', async () => {
    const peer = connect()
    await peer.open(1)
    await peer.seen('a reply', has('synReply'))
    const chunk = Buffer.alloc(64 * 1024)
    let sent = 0
    while (peer.transport.write(Buffer.concat([dataHead(1, chunk.length), chunk])) || sent < 64) {
      if (sent++ > 1000) break
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sent).toBeLessThan(1000)
    let received = 0
    peer.accepted[0]?.on('data', (data: Buffer) => {
      received += data.length
    })
    await once(peer.transport, 'drain')
    while (received < (sent + 1) * chunk.length) await new Promise((resolve) => setImmediate(resolve))
  })

  test('says goodbye after all that was written', async () => {
    const peer = connect()
    await peer.open(1)
    await peer.seen('a reply', has('synReply'))
    peer.accepted[0]?.end('bye')
    await once(peer.accepted[0] as SpdyStream, 'finish')
    peer.session.end()
    const frames = await peer.seen('a goodbye', has('goAway'))
    expect(frames.map(({ type }) => type)).toEqual(['synReply', 'data', 'data', 'rstStream', 'goAway'])
  })

  test('waits for a peer that is slow to read, and leaves one that reads nothing', () => {
    const [, transport] = duplexPair()
    const session = new SpdySession(transport, { accept: () => {} })
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    session.end()
    vi.advanceTimersByTime(lingerMs - 1)
    expect(transport.destroyed).toBe(false)
    vi.advanceTimersByTime(1)
    expect(transport.destroyed).toBe(true)
  })

  test('ends with its connection: streams are closed', async () => {
    const peer = connect()
    await peer.open(1)
    await peer.seen('a reply', has('synReply'))
    const closed = once(peer.accepted[0] as SpdyStream, 'close')
    peer.transport.end()
    await closed
    await peer.session.closed
  })

  test('ends when the peer breaks the protocol', async () => {
    const bad: [string, Buffer][] = [
      ['another protocol', Buffer.from('\x80\x00GET / HTTP/1.1', 'latin1')],
      ['a stream id of the server', synStreamFrame(2, Buffer.alloc(0))],
      ['a reply to nothing', synReplyFrame(1, Buffer.alloc(0))],
      ['a header block that is none', synStreamFrame(1, Buffer.from('none'))],
    ]
    for (const [what, bytes] of bad) {
      const peer = connect()
      peer.transport.write(bytes)
      await peer.session.closed
      expect(peer.accepted, what).toEqual([])
    }
  })

  test('outlives any bytes: it ends, or waits for more', async () => {
    const seed = Number(process.env['SPDY_SEED'] ?? Date.now() % 1_000_000)
    const random = generator(seed)
    for (let i = 0; i < 300; i++) {
      const peer = connect((stream) => void stream.resume())
      if (random(2) === 0) await peer.open(1)
      const frames = Array.from({ length: random(6) }, () => randomFrame(random))
      const ended = peer.session.closed.then(() => 'closed')
      peer.transport.on('error', () => {})
      peer.transport.write(Buffer.concat(frames))
      peer.transport.end()
      const deadline = new Promise((resolve) => setTimeout(resolve, 5000, 'still there'))
      expect(await Promise.race([ended, deadline]), `SPDY_SEED=${seed}, session ${i}`).toBe('closed')
    }
  })
})

/** Numbers below `limit`, the same for the same seed (mulberry32). */
function generator(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/** Mostly of the right form, with anything inside. */
function randomFrame(random: (limit: number) => number): Buffer {
  const payload = Buffer.from(Array.from({ length: random(40) }, () => random(256)))
  const head = Buffer.alloc(8)
  const isControl = random(3) > 0
  if (isControl) head.writeUInt32BE((0x80030000 | random(12)) >>> 0)
  else head.writeUInt32BE(random(4))
  head.writeUInt8(random(4), 4)
  head.writeUIntBE(random(10) === 0 ? random(0xffffff) : payload.length, 5, 3)
  return Buffer.concat([head, payload])
}
