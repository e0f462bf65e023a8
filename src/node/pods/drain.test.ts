import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import { drain } from './drain.ts'

/** Milliseconds that it lasts when rules follow after `rulesMs`; `until` changes with time. */
async function lasts(rulesMs: number, until: (now: number) => number = () => 10_000): Promise<number> {
  const clock = new FakeClock(0)
  const now = () => clock.now().getTime()
  const leadsTo = async (ip: string) => ip === '10.244.0.5' && now() < rulesMs
  const ended = drain({ ips: ['10.244.0.5', 'fd00::5'], leadsTo, until: () => until(now()), clock })
  const over = ended.then(() => true)
  while (!(await Promise.race([over, turn(false)]))) clock.advance(10)
  return now()
}

test.each([
  ['half a second when rules have followed by then', 300, 500],
  ['until they have, and a moment for other nodes', 1234, 1550],
  ['no longer than it may', 60_000, 10_000],
])('a drain lasts %s', async (_, rulesMs, expected) => {
  // The clock runs ahead of the answers by at most one step each.
  expect(Math.abs((await lasts(rulesMs)) - expected)).toBeLessThan(100)
})

test('a drain ends when its pod is given less time meanwhile', async () => {
  expect(await lasts(60_000, (now) => (now < 2000 ? 10_000 : 2500))).toBeLessThan(2700)
})
