import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import { startTestServer, type TestServer, until, type WatchLine } from '../test-server.ts'

let api: TestServer
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock()
  api = await startTestServer({ clock })
})
afterEach(() => api[Symbol.asyncDispose]())

const path = '/api/v1/namespaces/default/configmaps'
const put = (name: string, labels: object = {}) =>
  api
    .request('PUT', `${path}/${name}`, { metadata: { name, labels } })
    .then(async (answer) =>
      answer.status === 404 ? api.request('POST', path, { metadata: { name, labels } }) : answer,
    )
const create = (name: string) => api.request('POST', path, { metadata: { name } })
const summary = (events: readonly WatchLine[]) => events.map((e) => `${e.type} ${e.object.metadata.name}`)

describe('a watch', () => {
  test('starts with what exists and goes on with what happens', async () => {
    await put('a')
    const { events } = await api.watch(`${path}?watch=1`)
    await put('b')
    await put('a', { x: 'y' })
    await api.request('DELETE', `${path}/b`)
    await until('four events', () => events.length === 4)
    expect(summary(events)).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b'])
  })

  test('from a version replays what happened since', async () => {
    await put('a')
    const { body } = await api.request('GET', path)
    await put('b')
    const { events } = await api.watch(`${path}?watch=1&resourceVersion=${String(body.metadata?.['resourceVersion'])}`)
    await put('c')
    await until('two events', () => events.length === 2)
    expect(summary(events)).toEqual(['ADDED b', 'ADDED c'])
  })

  // Creating alone does not read the collection into memory, so these two start from the store's history.
  test('from a version older than what is in memory replays from the store', async () => {
    const from = await api.store.currentRevision()
    await create('a')
    await create('b')
    const { events } = await api.watch(`${path}?watch=1&resourceVersion=${from}`)
    await create('c')
    await api.request('DELETE', `${path}/a`)
    await until('four events', () => events.length === 4)
    expect(summary(events)).toEqual(['ADDED a', 'ADDED b', 'ADDED c', 'DELETED a'])
    expect(Number(events[3]?.object.metadata.resourceVersion)).toBe(from + 4)
  })

  test('from a forgotten version ends with 410 in the stream', async () => {
    const from = await api.store.currentRevision()
    await create('a')
    await create('b')
    const now = await api.store.currentRevision()
    await api.store.compact(now)
    const { events, ended } = await api.watch(`${path}?watch=1&resourceVersion=${from}`)
    await ended
    expect(events).toMatchObject([
      { type: 'ERROR', object: { code: 410, message: `too old resource version: ${from} (${now})` } },
    ])
  })

  test('replays more than fits into memory at the pace of its reader, then goes on live', async () => {
    const from = await api.store.currentRevision()
    const data = { text: 'x'.repeat(300_000) }
    for (let i = 0; i < 12; i++) await api.request('POST', path, { metadata: { name: `big-${i}` }, data })
    const { events } = await api.watch(`${path}?watch=1&resourceVersion=${from}`)
    await create('after')
    await until('all events', () => events.length === 13)
    expect(summary(events)).toEqual([...Array.from({ length: 12 }, (_, i) => `ADDED big-${i}`), 'ADDED after'])
    await create('live')
    await until('the live event', () => events.length === 14)
  })

  test('from a version that is not there yet begins after it', async () => {
    const now = await api.store.currentRevision()
    const { events } = await api.watch(`${path}?watch=1&resourceVersion=${now + 2}`)
    for (const name of ['a', 'b', 'c']) await create(name)
    await until('an event', () => events.length > 0)
    expect(summary(events)).toEqual(['ADDED c'])
  })

  test('of YAML is not acceptable', async () => {
    const refusal = await api.request('GET', `${path}?watch=1`, undefined, { accept: 'application/yaml' })
    expect(refusal.status).toBe(406)
    expect(refusal.body['text']).toContain('reason: NotAcceptable')
  })

  test('sees objects come and go as they start and stop matching its selector', async () => {
    await put('a')
    const { events } = await api.watch(`${path}?watch=1&labelSelector=x%3Dy`)
    await put('a', { x: 'y' })
    await put('a', { x: 'y', z: '1' })
    const left = await put('a', { x: 'n' })
    await put('a')
    await put('b', { x: 'y' })
    await until('four events', () => events.length === 4)
    expect(summary(events)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b'])
    // The object is as it last matched, under the version of the change that took it out.
    expect(events[2]?.object.metadata).toMatchObject({
      labels: { x: 'y', z: '1' },
      resourceVersion: left.body.metadata?.['resourceVersion'],
    })
  })

  test('gets a bookmark every minute if it wants', async () => {
    const { body } = await api.request('GET', path)
    const from = String(body.metadata?.['resourceVersion'])
    const { events } = await api.watch(`${path}?watch=1&allowWatchBookmarks=true&resourceVersion=${from}`)
    await api.request('POST', '/api/v1/namespaces', { metadata: { name: 'other' } })
    clock.advance(60_000)
    await until('a bookmark', () => events.length === 1)
    expect(events[0]).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { resourceVersion: String(await api.store.currentRevision()) } },
    })
  })

  test('gets a last bookmark just before its end', async () => {
    const { body } = await api.request('GET', path)
    const from = String(body.metadata?.['resourceVersion'])
    const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${from}&timeoutSeconds=5`
    const { events, ended } = await api.watch(`${path}?${query}`)
    clock.advance(2999)
    clock.advance(1)
    clock.advance(2000)
    await ended
    expect(events).toEqual([
      { type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: from } } },
    ])
  })

  test('ends after its timeout', async () => {
    const { ended } = await api.watch(`${path}?watch=1&timeoutSeconds=5&timeout=5s`)
    clock.advance(5000)
    await ended
  })

  test('ends when the client leaves', async () => {
    const { ended, stop } = await api.watch(`${path}?watch=1`)
    stop()
    await ended
  })
})
