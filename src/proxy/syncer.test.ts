import { expect, test } from 'vitest'
import { FakeClock } from '../lib/clock.ts'
import { silentLogger } from '../lib/log.ts'
import { FlowCleaner } from './conntrack.ts'
import type { Mode } from './modes/mode.ts'
import { Syncer } from './syncer.ts'
import { service } from './testing/objects.ts'
import { Tracker } from './track/tracker.ts'

/** A syncer over a mode that notes what it is told and can be made to fail. */
function setUp() {
  const calls: string[] = []
  const committed: string[][] = []
  const clock = new FakeClock()
  const tracker = new Tracker({ node: 'node-1' })
  const control = { fail: false, damaged: (_what: string) => {} }
  const note = async (call: string) => {
    calls.push(call)
    if (control.fail) throw new Error('the kernel says no')
  }
  const mode: Mode = {
    replace: (plans) => note(`replace ${[...plans].map((p) => p.id).join(' ')}`),
    update: (changes) => note(`update ${changes.map((c) => c.id).join(' ')}`),
    watch: (damaged) => {
      control.damaged = damaged
    },
    counts: () => [],
    packets: () => Promise.resolve([]),
  }
  const syncer = new Syncer({
    tracker,
    makeMode: () => Promise.resolve(mode),
    flows: new FlowCleaner({ exec: () => Promise.resolve({ code: 0, stdout: '', stderr: '' }), log: silentLogger }),
    clock,
    observer: { queued: () => {}, synced: () => {}, failed: () => {} },
    follower: { taken: () => {}, committed: (changes) => committed.push(changes.map((c) => c.id)) },
    minIntervalMs: 20,
    log: silentLogger,
  })
  const add = (name: string) => {
    tracker.setService(service(`demo/${name}`, '10.96.0.1'))
    syncer.poke()
  }
  const advance = async (ms: number) => {
    clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { calls, committed, control, syncer, add, advance, stop: new AbortController().signal }
}

test('before the start nothing is written; then everything, then differences, a burst at once', async () => {
  const { calls, syncer, add, advance, stop } = setUp()
  add('a')
  await advance(1000)
  expect(calls).toEqual([])
  await syncer.start(stop)
  add('b')
  add('c')
  await advance(19)
  expect(calls).toHaveLength(1)
  await advance(1)
  expect(calls).toEqual(['replace demo/a:http', 'update demo/b:http demo/c:http'])
})

test('a failed pass is repeated in full', async () => {
  const { calls, committed, control, syncer, add, advance, stop } = setUp()
  await syncer.start(stop)
  control.fail = true
  add('a')
  await advance(20)
  control.fail = false
  await advance(100)
  add('b')
  await advance(20)
  expect(calls).toEqual(['replace ', 'update demo/a:http', 'replace demo/a:http', 'update demo/b:http'])
  // What a failed pass took is handed over once the kernel has it.
  expect(committed).toEqual([[], ['demo/a:http'], ['demo/b:http']])
})

test('damage is repaired in full', async () => {
  const { calls, control, syncer, advance, stop } = setUp()
  await syncer.start(stop)
  control.damaged('table nat was deleted')
  control.damaged('table filter was deleted')
  await advance(20)
  expect(calls).toEqual(['replace ', 'replace '])
})
