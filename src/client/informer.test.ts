import { describe, expect, test } from 'vitest'
import type { ConfigMap } from '../api/generated/v1.ts'
import type { Clock } from '../lib/clock.ts'
import { Client } from './client.ts'
import type { CacheChange } from './contract.ts'
import { Informer } from './informer.ts'
import { resources } from './resources.ts'
import { type ApiRequest, type ApiResponse, type Transport, TransportError } from './transport.ts'

type Answer = { status: number; body: string | AsyncIterable<Buffer> }

/** Answers requests from a script, in order; a request past its end waits until it is aborted. */
class ScriptedTransport implements Transport {
  readonly requests: string[] = []
  readonly #answers: Answer[]

  constructor(answers: Answer[]) {
    this.#answers = answers
  }

  async request({ path, signal }: ApiRequest): Promise<ApiResponse> {
    this.requests.push(path)
    const answer = this.#answers.shift()
    if (!answer) {
      await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
      return { status: 200, headers: {}, body: once('') }
    }
    return {
      status: answer.status,
      headers: {},
      body: typeof answer.body === 'string' ? once(answer.body) : answer.body,
    }
  }

  close(): void {}
}

async function* once(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

function map(name: string, version: number, uid = name): ConfigMap {
  return { metadata: { name, namespace: 'demo', uid, resourceVersion: String(version) } }
}

const list = (version: number, ...items: ConfigMap[]): Answer => ({
  status: 200,
  body: JSON.stringify({ kind: 'ConfigMapList', metadata: { resourceVersion: String(version) }, items }),
})
const events = (...lines: [string, unknown][]): Answer => ({
  status: 200,
  body: lines.map(([type, object]) => `${JSON.stringify({ type, object })}\n`).join(''),
})
const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' }

async function follow(answers: Answer[], count: number) {
  const transport = new ScriptedTransport(answers)
  const informer = new Informer({ client: new Client({ transport }), resource: resources.configMaps })
  const stop = new AbortController()
  const changes: string[] = []
  const enough = new Promise<void>((resolve) =>
    informer.onChange((change: CacheChange<ConfigMap>) => {
      changes.push(`${change.type} ${change.object.metadata.name}@${change.object.metadata.resourceVersion}`)
      if (changes.length === count) resolve()
    }),
  )
  informer.start(stop.signal)
  await informer.synced
  await enough
  stop.abort()
  return { transport, informer, changes }
}

describe('informer', () => {
  test('lists, then watches from the listed version', async () => {
    const { transport, informer, changes } = await follow(
      [
        list(7, map('a', 3), map('b', 5)),
        events(['MODIFIED', map('a', 8)], ['DELETED', map('b', 9)], ['ADDED', map('c', 10)]),
      ],
      5,
    )
    expect(changes).toEqual(['added a@3', 'added b@5', 'updated a@8', 'deleted b@9', 'added c@10'])
    expect(transport.requests[1]).toBe('/api/v1/configmaps?watch=true&resourceVersion=7&allowWatchBookmarks=true')
    expect(informer.list('demo').map((o) => o.metadata.name)).toEqual(['a', 'c'])
    expect(informer.get('demo/c')?.kind).toBeUndefined()
  })

  test('a bookmark moves the version a new watch starts from', async () => {
    const { transport } = await follow(
      [
        list(7, map('a', 3)),
        events(['BOOKMARK', { metadata: { resourceVersion: '40' } }]),
        events(['MODIFIED', map('a', 41)]),
      ],
      2,
    )
    expect(transport.requests[2]).toContain('resourceVersion=40')
  })

  test('an expired version is followed by a relist that tells only the difference', async () => {
    const { changes } = await follow(
      [list(7, map('a', 3), map('b', 5)), events(['ERROR', gone]), list(20, map('a', 3), map('c', 12))],
      4,
    )
    expect(changes).toEqual(['added a@3', 'added b@5', 'deleted b@5', 'added c@12'])
  })

  test('an object made anew under the same name is deleted and added', async () => {
    const { changes } = await follow(
      [list(7, map('a', 3)), events(['ERROR', gone]), list(20, map('a', 12, 'other'))],
      3,
    )
    expect(changes).toEqual(['added a@3', 'deleted a@3', 'added a@12'])
  })

  test('lists in pages', async () => {
    const first: Answer = {
      status: 200,
      body: JSON.stringify({ metadata: { resourceVersion: '7', continue: 'next' }, items: [map('a', 3)] }),
    }
    const { transport, changes } = await follow([first, list(7, map('b', 4))], 2)
    expect(changes).toEqual(['added a@3', 'added b@4'])
    expect(transport.requests[1]).toBe('/api/v1/configmaps?limit=500&continue=next')
  })

  test('lines that arrive in pieces are put together', async () => {
    const text = Buffer.from(`${JSON.stringify({ type: 'MODIFIED', object: map('ä', 9) })}\n`)
    async function* pieces(): AsyncGenerator<Buffer> {
      for (const byte of text) yield Buffer.from([byte])
    }
    const { changes } = await follow([list(7), { status: 200, body: pieces() }], 1)
    expect(changes).toEqual(['added ä@9'])
  })

  test('after a watch that worked, the first retry comes at once, however that watch ended', async () => {
    let now = 0
    const delays: number[] = []
    const clock: Clock = {
      now: () => new Date(now),
      setTimeout(fn, ms) {
        delays.push(ms)
        setImmediate(fn)
        return () => {}
      },
    }
    const refused = () => {
      throw new TransportError('refused', 'nobody listens')
    }
    async function* cutOffAfterAnHour(): AsyncGenerator<Buffer> {
      now += 3_600_000
      yield Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } })}\n`)
      throw new TransportError('closed', 'the server was killed')
    }
    const answers = [list(7), refused, refused, refused, { status: 200, body: cutOffAfterAnHour() }, refused, list(8)]
    const stop = new AbortController()
    const transport: Transport = {
      async request() {
        const answer = answers.shift()
        if (answers.length === 0) stop.abort()
        const { status, body } = typeof answer === 'object' ? answer : refused()
        return { status, headers: {}, body: typeof body === 'string' ? once(body) : body }
      },
      close() {},
    }
    const ended = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()))
    new Informer({ client: new Client({ transport }), resource: resources.configMaps, clock }).start(stop.signal)
    await ended
    expect(delays).toEqual([20, 40, 80, 20, 40])
  })
})
