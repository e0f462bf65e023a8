/** Which state a list shows, for every combination of its version, its match and its limit. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import { type Answer, startTestServer, type TestServer, timePasses } from '../test-server.ts'

const path = '/api/v1/namespaces/default/configmaps'
let api: TestServer
let clock: FakeClock
/** Revisions at which there were a; a and b; a, b, c and d; and after b was deleted. */
const at: Record<'one' | 'two' | 'four' | 'now', number> = { one: 0, two: 0, four: 0, now: 0 }

beforeAll(async () => {
  clock = new FakeClock()
  api = await startTestServer({ clock })
  const create = (name: string) => api.request('POST', path, { metadata: { name } })
  await create('a')
  at.one = await api.store.currentRevision()
  await create('b')
  at.two = await api.store.currentRevision()
  await create('c')
  await create('d')
  at.four = await api.store.currentRevision()
  await api.request('DELETE', `${path}/b`)
  at.now = await api.store.currentRevision()
})
afterAll(() => api[Symbol.asyncDispose]())

interface Shown {
  readonly names: string
  readonly revision: number
  readonly next: string
  readonly remaining: number | undefined
}

function shown({ body }: Answer): Shown {
  const items = body['items'] as { metadata: { name: string } }[]
  const { resourceVersion, continue: next, remainingItemCount } = body.metadata ?? {}
  return {
    names: items.map(({ metadata }) => metadata.name).join(''),
    revision: Number(resourceVersion),
    next: typeof next === 'string' ? next : '',
    remaining: remainingItemCount as number | undefined,
  }
}

describe('a list shows', () => {
  const all = (names: string, when: keyof typeof at) => ({ names, when, more: false, remaining: undefined })
  const page = (names: string, when: keyof typeof at, remaining: number) => ({ names, when, more: true, remaining })
  test.each([
    ['', all('acd', 'now')],
    ['limit=2', page('ac', 'now', 1)],
    ['limit=3', all('acd', 'now')],
    ['resourceVersion=0', all('acd', 'now')],
    ['resourceVersion=0&limit=2', all('acd', 'now')],
    ['resourceVersion=0&resourceVersionMatch=NotOlderThan', all('acd', 'now')],
    ['resourceVersion=0&resourceVersionMatch=NotOlderThan&limit=2', all('acd', 'now')],
    ['resourceVersion=TWO', all('acd', 'now')],
    ['resourceVersion=TWO&limit=1', page('a', 'two', 1)],
    ['resourceVersion=TWO&resourceVersionMatch=NotOlderThan', all('acd', 'now')],
    ['resourceVersion=TWO&resourceVersionMatch=NotOlderThan&limit=1', page('a', 'now', 2)],
    ['resourceVersion=ONE&resourceVersionMatch=Exact', all('a', 'one')],
    ['resourceVersion=FOUR&resourceVersionMatch=Exact', all('abcd', 'four')],
    ['resourceVersion=FOUR&resourceVersionMatch=Exact&limit=3', page('abc', 'four', 1)],
    ['resourceVersion=NOW&resourceVersionMatch=Exact&limit=1', page('a', 'now', 2)],
  ])('%s', async (query, { names, when, more, remaining }) => {
    const answer = await api.request('GET', `${path}?${versions(query)}`)
    const { next, ...rest } = shown(answer)
    expect({ ...rest, more: next !== '' }).toEqual({ names, revision: at[when], more, remaining })
  })

  test('no count of what remains when it was selected', async () => {
    const answer = await api.request('GET', `${path}?limit=1&fieldSelector=metadata.name!%3Dd`)
    expect(shown(answer)).toMatchObject({ names: 'a', next: expect.stringMatching(/./), remaining: undefined })
  })

  test.each(['limit=1', 'resourceVersion=FOUR&resourceVersionMatch=Exact&limit=1', 'resourceVersion=TWO&limit=1'])(
    'one state on all pages from %s',
    async (query) => {
      const whole = shown(await api.request('GET', `${path}?${versions(query).replace('limit=1', '')}`))
      const first = shown(await api.request('GET', `${path}?${versions(query)}`))
      let names = first.names
      for (let { next } = first; next !== ''; ) {
        const page = shown(await api.request('GET', `${path}?limit=1&continue=${next}`))
        expect(page.revision).toBe(first.revision)
        names += page.names
        next = page.next
      }
      const exact = await api.request('GET', `${path}?resourceVersion=${first.revision}&resourceVersionMatch=Exact`)
      expect(names).toBe(shown(exact).names)
      if (!query.startsWith('resourceVersion=TWO')) expect(names).toBe(whole.names)
    },
  )
})

describe('a revision that is not there yet', () => {
  test.each([
    '?resourceVersion=FUTURE',
    '?resourceVersion=FUTURE&resourceVersionMatch=NotOlderThan',
    '?resourceVersion=FUTURE&resourceVersionMatch=Exact',
    '?resourceVersion=FUTURE&limit=1',
    '/a?resourceVersion=FUTURE',
  ])('%s waits, then is 504', async (query) => {
    const answer = await timePasses(clock, api.request('GET', `${path}${versions(query)}`))
    expect(answer).toMatchObject({
      status: 504,
      headers: { 'retry-after': '1' },
      body: {
        reason: 'Timeout',
        message: `Timeout: Too large resource version: ${at.now + 50}, current: ${at.now}`,
        details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
      },
    })
  })
})

describe('a timeout', () => {
  test('ends the waiting for a revision', async () => {
    const answering = api.request('GET', `${path}?resourceVersion=${at.now + 50}&timeout=1s500ms`)
    expect(await timePasses(clock, answering)).toMatchObject({
      status: 504,
      body: { reason: 'Timeout', message: 'Timeout: request did not complete within the allotted timeout' },
    })
  })

  test.each([
    ['5', 'time: missing unit in duration "5"'],
    ['soon', 'time: invalid duration "soon"'],
    ['5y', 'time: unknown unit "y" in duration "5y"'],
  ])('%s is none', async (timeout, why) => {
    expect(await api.request('GET', `${path}?timeout=${timeout}`)).toMatchObject({
      status: 400,
      body: { message: `invalid timeout specified in the request URL - ${why}` },
    })
  })

  test('says nothing to a watch', async () => {
    const { status, stop } = await api.watch(`${path}?watch=1&timeout=soon`)
    expect(status).toBe(200)
    stop()
  })
})

test('a revision whose history is gone is 410', async () => {
  await api.store.compact(at.four)
  const answer = await api.request('GET', `${path}?resourceVersion=${at.one}&resourceVersionMatch=Exact`)
  expect(answer).toMatchObject({
    status: 410,
    body: { reason: 'Expired', message: 'The resourceVersion for the provided list is too old.' },
  })
})

function versions(query: string): string {
  return query
    .replace('ONE', String(at.one))
    .replace('TWO', String(at.two))
    .replace('FOUR', String(at.four))
    .replace('NOW', String(at.now))
    .replace('FUTURE', String(at.now + 50))
}
