/**
 * Requests with something wrong about them, over real TLS: each gets an answer that is no crash, and the server stays as
 * it was. FUZZ_SEED repeats a run, FUZZ_REQUESTS makes it longer. Needs loopback only.
 */
import { Agent, request } from 'node:https'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomOf } from './fuzzing/random.ts'
import { type FuzzRequest, mutated, soundRequest } from './fuzzing/requests.ts'
import { heldBytes } from './held-bytes.fixture.ts'
import { type HttpsTestServer, startHttpsTestServer } from './test-https.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const requests = Number(process.env['FUZZ_REQUESTS'] ?? 3000)
const connections = 16
/** What the server may hold more than before, after everything that is stored. */
const growthBytesMax = 64 * 1024 * 1024

let https: HttpsTestServer
let agent: Agent
beforeAll(async () => {
  https = await startHttpsTestServer()
  agent = new Agent({ keepAlive: true, maxSockets: connections, ...https.credentials })
})
afterAll(async () => {
  agent.destroy()
  await https[Symbol.asyncDispose]()
})

interface FuzzAnswer {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** A watch is left as soon as it has begun. */
function send({ method, target, headers, body }: FuzzRequest): Promise<FuzzAnswer> {
  return new Promise((resolve, reject) => {
    // Node frames bodies by itself only where the method usually has one.
    const framed = body ? { ...headers, 'content-length': body.length } : { ...headers }
    const options = { host: '127.0.0.1', port: https.port, method, path: target, agent, headers: framed }
    const sent = request(options, (response) => {
      const { statusCode: status = 0, headers: got } = response
      const type = got['content-type'] ?? ''
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        const text = got['content-encoding'] === 'gzip' && bytes.length > 0 ? gunzipSync(bytes) : bytes
        resolve({ status, type, text: text.toString() })
      })
      if (status !== 200 || got['content-length'] !== undefined) return
      resolve({ status, type, text: '' })
      response.removeAllListeners('error').on('error', () => {})
      response.destroy()
    })
    sent.setTimeout(10_000, () => sent.destroy(new Error('no answer within ten seconds')))
    sent.on('error', reject)
    sent.end(body)
  })
}

/** What kube-apiserver, too, answers with a 5xx although it is the client's mistake. */
const upstreamsOwn = [
  'resourceVersion should not be set on objects to be created',
  'does not contain declared merge key',
]

function complaint({ method }: FuzzRequest, { status, type, text }: FuzzAnswer): string | undefined {
  if (status < 200 || status > 499) {
    return upstreamsOwn.some((own) => text.includes(own)) ? undefined : `status ${status}`
  }
  if (/\n\s+at .+:\d+:\d+|node:internal|\/src\//.test(text)) return 'a stack trace'
  if (status < 400 || type !== 'application/json' || method === 'HEAD') return undefined
  const answer = JSON.parse(text) as { kind?: unknown; code?: unknown; message?: unknown }
  if (answer.kind !== 'Status' || answer.code !== status || typeof answer.message !== 'string') return 'no Status'
  return undefined
}

test(`no request breaks the server (FUZZ_SEED=${seed})`, async () => {
  const before = heldBytes()
  const failures: string[] = []
  const statuses = new Set<number>()
  let left = requests
  const work = async () => {
    while (left-- > 0 && failures.length < 5) {
      // Each has a seed of its own: which one fails does not depend on who was faster.
      const random = randomOf(seed + left)
      let next = soundRequest(random)
      for (let i = random.int(3); i > 0; i--) next = mutated(next, random)
      const problem = await problemOf(next, statuses)
      if (problem)
        failures.push(`${problem} to ${next.method} ${next.target} ${JSON.stringify(next.headers)} ${shown(next.body)}`)
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  expect(failures).toEqual([])
  // It did get everywhere.
  expect([...statuses]).toEqual(expect.arrayContaining([200, 201, 400, 404, 405, 406, 409, 415, 422]))
  const stored = (await https.api.store.range({ prefix: '/' })).kvs.reduce((sum, kv) => sum + kv.value.length, 0)
  expect(heldBytes() - before - stored * 10).toBeLessThan(growthBytesMax)
  const path = '/api/v1/namespaces/default/configmaps'
  const body = Buffer.from('{"metadata":{"name":"after-all"}}')
  expect((await send({ method: 'POST', target: path, headers: {}, body })).status).toBe(201)
  expect((await send({ method: 'GET', target: `${path}/after-all`, headers: {}, body: undefined })).status).toBe(200)
}, 60_000)

async function problemOf(sent: FuzzRequest, statuses: Set<number>): Promise<string | undefined> {
  try {
    const answer = await send(sent)
    statuses.add(answer.status)
    return describe(complaint(sent, answer), answer)
  } catch (error) {
    return allowed(sent) ? undefined : String(error)
  }
}

function describe(problem: string | undefined, { text }: FuzzAnswer): string | undefined {
  return problem && `${problem}: ${text.slice(0, 500)}`
}

function shown(body: Buffer | undefined): string {
  return body ? JSON.stringify(body.toString('latin1').slice(0, 300)) : ''
}

/** The connection may be closed where HTTP itself is broken. */
function allowed({ method }: FuzzRequest): boolean {
  return method === 'TRACE'
}
