import { describe, expect, test } from 'vitest'
import { Chain } from './chain.ts'
import { parseCorefile } from './corefile/index.ts'
import { type Exchange, Forwarder } from './forward/index.ts'
import { Hosts } from './hosts.ts'
import { DnsMetrics } from './metrics.ts'
import { Responder } from './responder.ts'
import {
  classIN,
  decodeMessage,
  type EdnsOption,
  encodeMessage,
  type Message,
  rcodeName,
  recordTypes,
} from './wire/index.ts'
import { query } from './wire/query.fixture.ts'
import { Cluster } from './zone/index.ts'

const client = { protocol: 'udp', address: '127.0.0.1', port: 1 } as const

/** Answers every question with one address, or never. */
const upstream: Exchange = (_to, bytes) => {
  const { id, questions, flags } = decodeMessage(bytes)
  const data = { type: 'address' as const, address: '192.0.2.1' }
  const answers = questions.map(({ name }) => ({ name, type: recordTypes.A, class: classIN, ttl: 300, data }))
  return Promise.resolve(encodeMessage(query('x.', { id, questions, answers, flags: { ...flags, response: true } })))
}

function setUp(text: string, { synced = true, exchange = upstream }: { synced?: boolean; exchange?: Exchange } = {}) {
  const metrics = new DnsMetrics('test')
  const lines: string[] = []
  const errors: string[] = []
  const cluster = new Cluster()
  cluster.applyNamespace({ type: 'added', object: { metadata: { name: 'demo' } } })
  const aliases = {
    ext: 'example.com',
    one: 'one.example.org',
    ping: 'pong.demo.svc.other.local',
    pong: 'ping.demo.svc.cluster.local',
  }
  for (const [name, externalName] of Object.entries(aliases)) {
    const spec = { type: 'ExternalName', externalName }
    cluster.applyService({ type: 'added', object: { metadata: { name, namespace: 'demo' }, spec } })
  }
  const chains = parseCorefile({ file: 'Corefile', text }).map((config) => {
    const forwarders = config.forward.map(
      (line) => new Forwarder({ config: line, upstreams: [{ host: '10.0.0.1', port: 53 }], exchange }),
    )
    const { kubernetes } = config
    return new Chain({
      config,
      kubernetes: kubernetes && {
        cluster,
        options: { ...kubernetes, fallthrough: kubernetes.fallthrough.zones, localAddresses: [] },
        hasSynced: () => synced,
      },
      hosts: config.hosts && new Hosts(config.hosts),
      forwarders,
      metrics,
      onError: (_question, { message }) => errors.push(message),
    })
  })
  const responder = new Responder({ port: 53, chains, metrics, write: (line) => lines.push(line) })
  const send = async (message: Message) => {
    const bytes = await responder.respond(encodeMessage(message), client)
    if (!bytes) throw new Error('no answer')
    return decodeMessage(bytes)
  }
  return { responder, send, lines, errors, metrics }
}

const whole = `.:53 {
  log
  kubernetes cluster.local {
  }
  forward . 10.0.0.1
  cache 30
}
example.org:53 {
  hosts {
    10.1.1.1 one.example.org
  }
}`

describe('a message', () => {
  test('goes to the server block with the longest zone', async () => {
    const { send } = setUp(whole)
    expect((await send(query('one.example.org.'))).answers[0]?.data).toEqual({ type: 'address', address: '10.1.1.1' })
    expect(rcodeName((await send(query('two.example.org.'))).rcode)).toBe('NXDOMAIN')
    expect((await send(query('example.com.'))).answers[0]?.data).toEqual({ type: 'address', address: '192.0.2.1' })
  })

  test('for no zone, or of another class, is refused', async () => {
    const { send } = setUp('example.org {\n}')
    expect(rcodeName((await send(query('example.com.'))).rcode)).toBe('REFUSED')
    const chaos = { questions: [{ name: 'version.bind.', type: recordTypes.TXT, class: 3 }] }
    expect(rcodeName((await setUp(whole).send(query('x.', chaos))).rcode)).toBe('REFUSED')
  })

  test('too short, or an answer itself, is dropped; noise gets FORMERR', async () => {
    const { responder } = setUp(whole)
    expect(responder.respond(Buffer.alloc(11), client)).toBeUndefined()
    const reply = query('x.', { flags: { ...query('x.').flags, response: true } })
    expect(responder.respond(encodeMessage(reply), client)).toBeUndefined()
    const noise = Buffer.alloc(20, 0xff).fill(0, 2, 4)
    noise.writeUInt16BE(1, 4)
    const answer = await responder.respond(noise, client)
    expect(answer && rcodeName(decodeMessage(answer).rcode)).toBe('FORMERR')
  })

  test('gets its EDNS back, known options only', async () => {
    const options: EdnsOption[] = [
      { code: 10, data: Buffer.from('a1f2ba8725263421', 'hex') },
      { code: 8, data: Buffer.from('00010000', 'hex') },
    ]
    const edns = { udpSize: 1232, version: 0, dnssecOk: true, options }
    const reply = await setUp(whole).send(query('nope.demo.svc.cluster.local.', { edns }))
    expect(reply.edns).toEqual({ ...edns, options: options.slice(0, 1) })
  })
})

describe('cluster names', () => {
  test('an alias that leads outside brings the address, if somebody knows it', async () => {
    const types = async (exchange: Exchange) => {
      const { send } = setUp(whole, { exchange })
      return (await send(query('ext.demo.svc.cluster.local.'))).answers.map(({ type }) => type)
    }
    expect(await types(upstream)).toEqual([recordTypes.CNAME, recordTypes.A])
    expect(await types(() => Promise.reject(new Error('unreachable')))).toEqual([recordTypes.CNAME])
  })

  test("an alias that leads into another server block's zone is followed there", async () => {
    const { answers } = await setUp(whole).send(query('one.demo.svc.cluster.local.'))
    expect(answers.map(({ name, data }) => [name, data.type === 'address' ? data.address : data])).toEqual([
      ['one.demo.svc.cluster.local.', { type: 'name', target: 'one.example.org.' }],
      ['one.example.org.', '10.1.1.1'],
    ])
  })

  test('aliases that go round between two zones end', async () => {
    const blocks = ['cluster.local', 'other.local'].map((zone) => `${zone}:53 {\n  kubernetes ${zone} {\n  }\n}`)
    const { rcode, answers } = await setUp(blocks.join('\n')).send(query('ping.demo.svc.cluster.local.'))
    expect([rcodeName(rcode), answers.length]).toEqual(['NOERROR', 8])
  })

  test('before the cluster is known, nothing is said not to exist', async () => {
    const { send } = setUp(whole, { synced: false })
    expect(rcodeName((await send(query('nope.demo.svc.cluster.local.'))).rcode)).toBe('SERVFAIL')
  })
})

test('questions asked at the same time go out once', async () => {
  let sent = 0
  const { send } = setUp(whole, {
    exchange: (to, bytes, options) => {
      sent++
      return upstream(to, bytes, options)
    },
  })
  const replies = await Promise.all([send(query('Example.com.')), send(query('example.com.'))])
  await send(query('example.com.'))
  expect([sent, replies.map(({ answers }) => answers.length)]).toEqual([1, [1, 1]])
})

test('a resolver that cannot be reached: SERVFAIL, said, counted, logged', async () => {
  const { send, errors, lines, metrics } = setUp(whole, { exchange: () => Promise.reject(new Error('unreachable')) })
  expect(rcodeName((await send(query('example.com.'))).rcode)).toBe('SERVFAIL')
  expect(errors).toEqual(['unreachable'])
  expect(lines[0]).toMatch(
    /^\[INFO\] 127\.0\.0\.1:1 - 77 "A IN example\.com\. udp 29 false 512" SERVFAIL qr,rd 29 0\.\d{9}s$/,
  )
  expect(metrics.registry.expose()).toContain(
    'coredns_dns_responses_total{server="dns://:53",zone=".",view="",rcode="SERVFAIL"} 1',
  )
})
