import { describe, expect, test } from 'vitest'
import type { Probe } from '../../api/generated/v1.ts'
import { FakeClock } from '../../lib/clock.ts'
import type { ProbeOutcome } from './check.ts'
import { type ProbeKind, ProbeWorker } from './worker.ts'

function setUp(kind: ProbeKind, probe: Probe) {
  const clock = new FakeClock()
  const start = clock.now()
  const outcomes: (boolean | 'error')[] = []
  const log: string[] = []
  const worker: ProbeWorker = new ProbeWorker({
    kind,
    probe,
    startedAt: start,
    initial: kind === 'liveness',
    clock,
    check: async (): Promise<ProbeOutcome> => {
      log.push(`probe ${clock.now().getTime() - start.getTime()}`)
      const outcome = outcomes.shift() ?? true
      if (outcome === 'error') throw new Error('no such program')
      return { ok: outcome, message: 'refused' }
    },
    mayRun: () => true,
    changed: () => log.push(`result ${worker.result}`),
    failed: (message) => log.push(message),
    warned: (message) => log.push(message),
    errored: (message) => log.push(`error: ${message}`),
  })
  const advance = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.advance(10)
      await Promise.resolve()
      await Promise.resolve()
      await Promise.resolve()
    }
  }
  return { worker, outcomes, log, advance }
}

describe('a readiness probe', () => {
  test('is asked again soon while the container is starting, without counting', async () => {
    const { worker, outcomes, log, advance } = setUp('readiness', { periodSeconds: 10 })
    outcomes.push(false, false, true)
    worker.start()
    await advance(100)
    expect(log).toEqual(['probe 0', 'probe 20', 'probe 35', 'result true'])
    await advance(10_000)
    expect(log.at(-1)).toBe('probe 10040')
  })

  test('fails after its threshold', async () => {
    const { worker, outcomes, log, advance } = setUp('readiness', { periodSeconds: 1, failureThreshold: 2 })
    outcomes.push(true, false, true, false, false)
    worker.start()
    await advance(5000)
    expect(log.filter((line) => !line.startsWith('probe'))).toEqual([
      'result true',
      'refused',
      'refused',
      'refused',
      'result false',
    ])
  })

  test('waits for its initial delay', async () => {
    const { worker, log, advance } = setUp('readiness', { initialDelaySeconds: 2 })
    worker.start()
    await advance(1990)
    expect(log).toEqual([])
    await advance(20)
    expect(log).toEqual(['probe 2000', 'result true'])
  })
})

describe('a liveness probe', () => {
  test('counts from the first failure', async () => {
    const { worker, outcomes, log, advance } = setUp('liveness', { periodSeconds: 1, failureThreshold: 1 })
    outcomes.push(false)
    worker.start()
    await advance(20)
    expect(log).toEqual(['probe 0', 'refused', 'result false'])
  })
})

test('a probe that cannot be made counts neither way', async () => {
  const { worker, outcomes, log, advance } = setUp('liveness', { periodSeconds: 1, failureThreshold: 2 })
  outcomes.push(false, 'error', 'error', 'error', true)
  worker.start()
  await advance(4500)
  expect(log.filter((line) => !line.startsWith('probe'))).toEqual([
    'refused',
    ...Array(3).fill('error: no such program'),
  ])
  expect(worker.result).toBe(true)
})

describe('a startup probe', () => {
  test('is exhausted after its threshold', async () => {
    const { worker, outcomes, log, advance } = setUp('startup', { periodSeconds: 1, failureThreshold: 2 })
    outcomes.push(...Array.from({ length: 20 }, () => false))
    worker.start()
    await advance(5000)
    expect(worker.exhausted).toBe(true)
    expect(log).toContain('result false')
  })
})
