import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { TokenRequest } from '../../../api/generated/authentication.k8s.io.v1.ts'
import type { Pod } from '../../../api/generated/v1.ts'
import { formatTime } from '../../../api/machinery/time.ts'
import type { KubeClient } from '../../../client/index.ts'
import { FakeClock } from '../../../lib/clock.ts'
import { silentLogger } from '../../../lib/log.ts'
import { Tokens } from './tokens.ts'

const pod: Pod = { metadata: { name: 'web', namespace: 'default', uid: '1' }, spec: { containers: [] } }
const hour = 3600
const projection = (expirationSeconds: number) => ({ path: 'token', expirationSeconds })

/** Tokens are made some seconds early, by chance. */
const jitterMs = 10_000

let clock: FakeClock
let tokens: Tokens
let asked: number
let refusal: Error | undefined

beforeEach(() => {
  clock = new FakeClock()
  asked = 0
  refusal = undefined
  const createSubresource = vi.fn((_resource, _at, _name, { spec }: TokenRequest) => {
    if (refusal) return Promise.reject(refusal)
    asked++
    const expiration = new Date(clock.now().getTime() + (spec?.expirationSeconds ?? 0) * 1000)
    return Promise.resolve({ spec, status: { token: `token-${asked}`, expirationTimestamp: formatTime(expiration) } })
  })
  const client = { createSubresource } as unknown as KubeClient
  tokens = new Tokens({ client, clock, log: silentLogger })
})

describe('a token', () => {
  test.each([
    ['an hour', hour, 0.8 * hour],
    ['a year', 365 * 24 * hour, 24 * hour],
  ])('of %s is renewed after four fifths of its life, and never older than a day', async (_, seconds, dueSeconds) => {
    const get = () => tokens.get(pod, projection(seconds))
    expect(await get()).toBe('token-1')
    clock.advance(dueSeconds * 1000 - jitterMs - 1)
    expect(await get()).toBe('token-1')
    expect(tokens.refreshInMs('1')).toBeLessThanOrEqual(jitterMs + 1)
    clock.advance(jitterMs + 2)
    expect(await get()).toBe('token-2')
  })

  test('that cannot be renewed is good until it expires', async () => {
    const get = () => tokens.get(pod, projection(hour))
    await get()
    refusal = new Error('gone')
    clock.advance(hour * 1000 - 1)
    expect(await get()).toBe('token-1')
    clock.advance(jitterMs)
    await expect(get()).rejects.toThrow('gone')
    refusal = undefined
    expect(await get()).toBe('token-2')
  })

  test('from the future is renewed: the clock was set back', async () => {
    await tokens.get(pod, projection(hour))
    clock.advance(-60_000)
    expect(await tokens.get(pod, projection(hour))).toBe('token-2')
  })

  test('is each projection’s own, and forgotten with its pod', async () => {
    expect(await tokens.get(pod, projection(hour))).toBe('token-1')
    expect(await tokens.get(pod, { ...projection(hour), audience: 'vault' })).toBe('token-2')
    expect(await tokens.get(pod, projection(hour))).toBe('token-1')
    tokens.forget('1')
    expect(tokens.refreshInMs('1')).toBeUndefined()
    expect(await tokens.get(pod, projection(hour))).toBe('token-3')
  })
})
