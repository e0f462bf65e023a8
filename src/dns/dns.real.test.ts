import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Service } from '../api/generated/v1.ts'
import { resources } from '../client/index.ts'
import { silentLogger } from '../lib/log.ts'
import { ask, freePort, question, startTestCluster, type TestCluster } from './fixture.ts'
import { Program } from './index.ts'
import { decodeMessage, encodeMessage, frame, type Message, rcodes, recordTypes, Unframer } from './wire/index.ts'

let cluster: TestCluster
let program: Program
let port: number
let httpPort: number
let upstream: Awaited<ReturnType<typeof startUpstream>>
const log: string[] = []

/** A resolver that knows example.com, refuses nobody, and counts. */
async function startUpstream() {
  const socket = createSocket('udp4')
  const counter = { asked: 0 }
  socket.on('message', (bytes, remote) => {
    const query = decodeMessage(bytes)
    counter.asked++
    const [asked] = query.questions
    const found = asked?.name === 'example.com.' && asked.type === recordTypes.A
    const answers = found
      ? [
          {
            name: 'example.com.',
            type: 1,
            class: 1,
            ttl: 300,
            data: { type: 'address' as const, address: '192.0.2.1' },
          },
        ]
      : []
    const flags = { ...query.flags, response: true, recursionAvailable: true }
    socket.send(
      encodeMessage({ ...query, flags, answers, rcode: found ? 0 : rcodes.NXDOMAIN }),
      remote.port,
      remote.address,
    )
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return { counter, port: socket.address().port, close: () => socket.close() }
}

function corefile(forwardTo: number, extra = ''): void {
  writeFileSync(
    join(cluster.directory, 'Corefile'),
    `.:${port} {
      bind 127.0.0.1
      errors
      log
      health 127.0.0.1:${httpPort}
      ready 127.0.0.1:${httpPort}
      prometheus 127.0.0.1:${httpPort}
      kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig ${join(cluster.directory, 'kubeconfig')}
        pods insecure
        ttl 30
        fallthrough in-addr.arpa ip6.arpa
      }
      forward . 127.0.0.1:${forwardTo}
      cache 30
      loop
      reload 2s
      loadbalance
      ${extra}
    }`,
  )
}

const service = (name: string, spec: Service['spec']) =>
  cluster.client.create(resources.services, {
    metadata: { name, namespace: 'demo' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
  })

const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${httpPort}${path}`)
  return { status: response.status, text: await response.text() }
}

async function addresses(name: string): Promise<string[]> {
  const { answers } = await ask(port, question(name))
  return answers.flatMap(({ data }) => (data.type === 'address' ? [data.address] : []))
}

async function until(what: string, holds: () => Promise<boolean>, withinMs = 15_000): Promise<number> {
  const started = performance.now()
  while (!(await holds())) {
    if (performance.now() - started > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return performance.now() - started
}

beforeAll(async () => {
  cluster = await startTestCluster()
  upstream = await startUpstream()
  port = await freePort()
  httpPort = await freePort()
  corefile(upstream.port)
  await service('web', { clusterIP: '10.96.100.1' })
  await service('web-hl', { clusterIP: 'None' })
  await service('ext', { type: 'ExternalName', externalName: 'example.com' })
  await cluster.pod('web-1', '10.244.0.54')
  await cluster.pod('web-2', '10.244.0.55', { spec: { hostname: 'web-2', subdomain: 'web-hl' } })
  program = new Program({
    corefile: join(cluster.directory, 'Corefile'),
    log: silentLogger,
    write: (line) => log.push(line),
    version: 'test',
  })
  await program.start()
  await until('ready', async () => (await get('/ready')).status === 200)
})

afterAll(async () => {
  await program.stop()
  upstream.close()
  await cluster.close()
})

test('names of a Service, from object to answer', async () => {
  const reply = await ask(port, question('web.demo.svc.cluster.local.'))
  expect(reply).toMatchObject({
    rcode: 0,
    flags: { response: true, authoritative: true, recursionDesired: true, recursionAvailable: false },
    answers: [{ name: 'web.demo.svc.cluster.local.', ttl: 30, data: { address: '10.96.100.1' } }],
    edns: { udpSize: 1232 },
  })
  expect((await ask(port, question('web.demo.svc.cluster.local.', 'A', 0))).edns).toBeUndefined()
  expect((await ask(port, question('nope.demo.svc.cluster.local.'))).rcode).toBe(rcodes.NXDOMAIN)
  await until('endpoints', async () => (await addresses('web-hl.demo.svc.cluster.local.')).length === 2)
  expect(await addresses('web-2.web-hl.demo.svc.cluster.local.')).toEqual(['10.244.0.55'])
})

test('a headless name answers in varying order', async () => {
  const first = new Set<string | undefined>()
  for (let i = 0; i < 50; i++) first.add((await addresses('web-hl.demo.svc.cluster.local.'))[0])
  expect(first).toEqual(new Set(['10.244.0.54', '10.244.0.55']))
})

test('other names are forwarded and cached, an alias that leads outside is followed', async () => {
  const before = upstream.counter.asked
  const reply = await ask(port, question('example.com.'))
  expect(reply).toMatchObject({ flags: { authoritative: false, recursionAvailable: true }, answers: [{ ttl: 30 }] })
  expect(await addresses('example.com.')).toEqual(['192.0.2.1'])
  expect(upstream.counter.asked - before).toBe(1)
  const alias = await ask(port, question('ext.demo.svc.cluster.local.'))
  expect(alias.answers.map(({ type }) => type)).toEqual([recordTypes.CNAME, recordTypes.A])
  expect((await ask(port, question('1.2.0.192.in-addr.arpa.', 'PTR'))).rcode).toBe(rcodes.NXDOMAIN)
})

test('a large answer is cut over UDP and whole over TCP', async () => {
  await service('many', { clusterIP: 'None', selector: { app: 'many' } })
  await Promise.all(
    Array.from({ length: 60 }, (_, i) => cluster.pod(`many-${i}`, `10.244.1.${i}`, { labels: { app: 'many' } })),
  )
  await until(
    '60 endpoints',
    async () => (await overTcp(question('many.demo.svc.cluster.local.'))).answers.length === 60,
  )
  const cut = await ask(port, question('many.demo.svc.cluster.local.', 'A', 512))
  expect([cut.flags.truncated, cut.answers.length < 60]).toEqual([true, true])
  expect((await ask(port, question('many.demo.svc.cluster.local.', 'A', 4096))).answers.length).toBe(60)
})

function overTcp(message: Message): Promise<Message> {
  return new Promise((resolve, reject) => {
    const unframer = new Unframer()
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(frame(encodeMessage(message))))
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      const [answer] = unframer.push(chunk)
      if (!answer) return
      socket.destroy()
      resolve(decodeMessage(answer))
    })
  })
}

test('changes are seen at once', async () => {
  await service('late', { clusterIP: '10.96.100.9' })
  await until('the new name', async () => (await addresses('late.demo.svc.cluster.local.')).length === 1, 1000)
  await cluster.client.delete(resources.services, { namespace: 'demo', name: 'late' })
  await until('the name is gone', async () => (await addresses('late.demo.svc.cluster.local.')).length === 0, 1000)
})

test('messages that are none get an error or nothing', async () => {
  const multi = { ...question('a.'), questions: [...question('a.').questions, ...question('b.').questions] }
  expect((await ask(port, multi)).rcode).toBe(rcodes.FORMERR)
  const notify = { ...question('a.'), flags: { ...question('a.').flags, opcode: 4 } }
  expect((await ask(port, notify)).rcode).toBe(rcodes.NOTIMP)
  const newer = { ...question('a.'), edns: { udpSize: 1232, version: 1, dnssecOk: false, options: [] } }
  expect((await ask(port, newer)).rcode).toBe(rcodes.BADVERS)
  const response = { ...question('a.'), flags: { ...question('a.').flags, response: true } }
  await expect(ask(port, response, 100)).rejects.toThrow('no answer')
})

test('health, readiness, metrics, query log', async () => {
  expect(await get('/health')).toEqual({ status: 200, text: 'OK' })
  expect(await get('/ready')).toEqual({ status: 200, text: 'OK' })
  const { text } = await get('/metrics')
  expect(text).toContain(
    `coredns_dns_requests_total{server="dns://:${port}",zone=".",view="",proto="udp",family="1",type="A"}`,
  )
  expect(text).toMatch(/coredns_dns_request_duration_seconds_count\{.*\} \d+/)
  expect(text).toMatch(/coredns_cache_entries\{.*type="success"\} \d+/)
  expect(
    log.some((line) => /\[INFO\] 127\.0\.0\.1:\d+ - \d+ "A IN web\.demo\.svc\.cluster\.local\. udp/.test(line)),
  ).toBe(true)
})

test('an edited Corefile takes effect; a broken one changes nothing', async () => {
  corefile(upstream.port, 'nonsense')
  await until(
    'the reload fails',
    async () => (await get('/metrics')).text.includes('coredns_reload_failed_total 1'),
    10_000,
  )
  expect(await addresses('web.demo.svc.cluster.local.')).toEqual(['10.96.100.1'])
  const nobody = await freePort()
  corefile(nobody)
  const failed = async () => (await ask(port, question('other.example.'))).rcode === rcodes.SERVFAIL
  await until('the new resolver is in force', failed, 10_000)
  const started = performance.now()
  expect(await failed()).toBe(true)
  // A resolver that refuses is known at once, not after a timeout.
  expect(performance.now() - started).toBeLessThan(500)
  expect(await addresses('web.demo.svc.cluster.local.')).toEqual(['10.96.100.1'])
})

test('a resolver that is this server itself is left out', async () => {
  corefile(port)
  const started = performance.now()
  await until(
    'the loop is found',
    async () => {
      const asked = performance.now()
      const { rcode } = await ask(port, question(`n${asked}.example.`), 9000)
      return rcode === rcodes.SERVFAIL && performance.now() - asked < 100 && asked - started > 3000
    },
    15_000,
  )
  expect(await addresses('web.demo.svc.cluster.local.')).toEqual(['10.96.100.1'])
})
