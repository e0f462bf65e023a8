import { describe, expect, test } from 'vitest'
import {
  classIN,
  decodeMessage,
  encodeMessage,
  type Message,
  type ResourceRecord,
  rcodes,
  recordTypes,
} from '../wire/index.ts'
import { AnswerCache } from './cache.ts'
import type { Exchange } from './exchange.ts'
import { Forwarder } from './forwarder.ts'
import { nameservers } from './resolvers.ts'

const question = { name: 'example.com.', type: recordTypes.A, class: classIN }
const asked = { question, recursionDesired: true, checkingDisabled: false, dnssecOk: false }

function address(ttl: number): ResourceRecord {
  return {
    name: 'example.com.',
    type: recordTypes.A,
    class: classIN,
    ttl,
    data: { type: 'address', address: '192.0.2.1' },
  }
}

function soa(ttl: number, minimum: number): ResourceRecord {
  const data = { mname: 'ns.', rname: 'h.', serial: 1, refresh: 1, retry: 1, expire: 1, minimum }
  return { name: 'com.', type: recordTypes.SOA, class: classIN, ttl, data: { type: 'soa', ...data } }
}

function answer(parts: Partial<Message> = {}, truncated = false): Message {
  return {
    id: 0,
    flags: {
      response: true,
      opcode: 0,
      authoritative: false,
      truncated,
      recursionDesired: true,
      recursionAvailable: true,
      authenticData: false,
      checkingDisabled: false,
    },
    rcode: 0,
    questions: [question],
    answers: [],
    authorities: [],
    additionals: [],
    ...parts,
  }
}

const upstreams = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((host) => ({ host, port: 53 }))

/** A network in which each host behaves as told; keeps what was asked. */
function network(behaviour: Record<string, 'answers' | 'refuses' | 'truncates'>) {
  const log: string[] = []
  const exchange: Exchange = ({ host }, query, { protocol, accept }) => {
    log.push(`${host} ${protocol}`)
    if (behaviour[host] === 'refuses') return Promise.reject(new Error(`${host}: refused`))
    const { id, questions } = decodeMessage(query)
    const cut = behaviour[host] === 'truncates' && protocol === 'udp'
    const reply = encodeMessage(answer({ id, questions, answers: cut ? [] : [address(300)] }, cut))
    const forged = encodeMessage(answer({ id: id ^ 1, questions }))
    if (accept(forged) || !accept(reply)) throw new Error('a forged answer was taken, or the true one not')
    return Promise.resolve(reply)
  }
  return { log, exchange }
}

function forwarder(exchange: Exchange, config: Partial<Forwarder['config']> = {}, now = () => 0) {
  return new Forwarder({
    config: {
      from: '.',
      to: [],
      except: [],
      policy: 'sequential',
      maxConcurrent: 0,
      maxFails: 2,
      forceTcp: false,
      ...config,
    },
    upstreams,
    exchange,
    now,
    random: (n) => n - 1,
  })
}

describe('forwarding', () => {
  test('the first resolver that answers', async () => {
    const { log, exchange } = network({ '10.0.0.1': 'refuses', '10.0.0.2': 'answers' })
    expect(await forwarder(exchange).ask(asked)).toMatchObject({ type: 'answer', message: { answers: [{ ttl: 300 }] } })
    expect(log).toEqual(['10.0.0.1 udp', '10.0.0.2 udp'])
  })

  test('what is cut over UDP is asked again over TCP', async () => {
    const { log, exchange } = network({ '10.0.0.1': 'truncates' })
    expect(await forwarder(exchange).ask(asked)).toMatchObject({ type: 'answer', message: { answers: [{}] } })
    expect(log).toEqual(['10.0.0.1 udp', '10.0.0.1 tcp'])
  })

  test('nobody answers: the last error', async () => {
    const { exchange } = network({ '10.0.0.1': 'refuses', '10.0.0.2': 'refuses', '10.0.0.3': 'refuses' })
    expect(await forwarder(exchange).ask(asked)).toMatchObject({
      type: 'failed',
      error: { message: '10.0.0.3: refused' },
    })
  })

  test('policies', async () => {
    const first = async (policy: 'random' | 'round_robin' | 'sequential') => {
      const { log, exchange } = network({})
      const one = forwarder(exchange, { policy })
      for (let i = 0; i < 4; i++) await one.ask(asked)
      return log.map((line) => line.slice(7, 8)).join('')
    }
    expect([await first('sequential'), await first('round_robin'), await first('random')]).toEqual([
      '1111',
      '1231',
      '3333',
    ])
  })

  test('one that failed twice rests a while and comes last', async () => {
    let now = 0
    const { log, exchange } = network({ '10.0.0.1': 'refuses' })
    const one = forwarder(exchange, {}, () => now)
    for (let i = 0; i < 3; i++) await one.ask(asked)
    now = 600
    await one.ask(asked)
    expect(log.map((line) => line.slice(7, 8)).join(' ')).toBe('1 2 1 2 2 1 2')
  })

  test('no more at a time than max_concurrent; an excluded one is never asked', async () => {
    const { log, exchange } = network({})
    const one = forwarder(exchange, { maxConcurrent: 1 })
    one.exclude({ host: '10.0.0.1', port: 53 })
    const both = await Promise.all([one.ask(asked), one.ask(asked)])
    expect([both.map(({ type }) => type), log]).toEqual([['answer', 'busy'], ['10.0.0.2 udp']])
  })

  test('resolv.conf', () => {
    const text =
      '# nameserver 1.1.1.1\nnameserver 10.0.0.53\n  nameserver fd00::53\nnameserver fe80::1%eth0\nsearch x\n'
    expect(nameservers(text).map(({ host }) => host)).toEqual(['10.0.0.53', 'fd00::53'])
  })
})

describe('the cache', () => {
  const limits = { capacity: 2, max: 30, min: 5 }
  let now = 0
  const make = () => new AnswerCache({ success: limits, denial: limits, servfail: 5 }, () => now)

  const cases: [string, Message, number | undefined][] = [
    ['a long TTL is limited', answer({ answers: [address(300)] }), 30],
    ['a short one is kept', answer({ answers: [address(300), address(12)] }), 12],
    ['a very short one is raised', answer({ answers: [address(0)] }), 5],
    ['no such name: as long as the SOA says', answer({ rcode: rcodes.NXDOMAIN, authorities: [soa(300, 20)] }), 20],
    ['no such type', answer({ authorities: [soa(10, 300)] }), 10],
    ['negative without a SOA', answer({ rcode: rcodes.NXDOMAIN }), 5],
    ['a failure', answer({ rcode: rcodes.SERVFAIL }), 5],
    ['refused', answer({ rcode: rcodes.REFUSED }), undefined],
    ['cut off', answer({ answers: [address(300)] }, true), undefined],
  ]
  test.each(cases)('%s', (_name, message, ttl) => {
    now = 0
    const cache = make()
    cache.put('x', message)
    const left = (at: number) => {
      now = at * 1000
      const found = cache.get('x')
      return found && [...found.answers, ...found.authorities].every((record) => record.ttl === (ttl ?? 0) - at)
    }
    expect(left(0)).toBe(ttl === undefined ? undefined : true)
    if (ttl !== undefined) expect([left(ttl - 1), left(ttl)]).toEqual([true, undefined])
  })

  test('the oldest gives way; a name becomes another kind', () => {
    now = 0
    const cache = make()
    for (const key of ['a', 'b', 'c']) cache.put(key, answer({ answers: [address(300)] }))
    expect(['a', 'b', 'c'].map((key) => cache.get(key) !== undefined)).toEqual([false, true, true])
    cache.put('c', answer({ rcode: rcodes.NXDOMAIN }))
    expect([cache.get('c')?.rcode, cache.sizes]).toEqual([rcodes.NXDOMAIN, { success: 1, denial: 1 }])
  })
})
