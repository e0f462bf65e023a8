import { describe, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/v1.ts'
import type { Attempt, ContainerRuns, PodObservation } from '../runtime/contract.ts'
import { type Knowledge, nextActions } from './decide.ts'
import { backOffMs } from './restart.ts'

const now = new Date('2026-01-01T00:10:00Z')
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString()
const nothingKnown: Knowledge = new Map()

function pod(spec: Partial<NonNullable<Pod['spec']>> = {}, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    metadata: { name: 'web', namespace: 'demo', uid: 'u', ...metadata },
    spec: { containers: [{ name: 'web', image: 'nginx' }], restartPolicy: 'Always', ...spec },
  }
}

function run(changes: Partial<Attempt> = {}): Attempt {
  return {
    attempt: 0,
    crashes: 0,
    sandbox: ago(60),
    id: 'id',
    image: 'nginx',
    createdAt: ago(60),
    startedAt: ago(60),
    ...changes,
  }
}

const running = run({ pid: 42 })
const exited = (code: number, changes: Partial<Attempt> = {}) =>
  run({ exit: { code, signal: 0, finishedAt: ago(1), startError: '' }, ...changes })

function machine(containers: Record<string, Attempt> = {}, withSandbox = true): PodObservation {
  const runs = Object.entries(containers).map(([name, current]): [string, ContainerRuns] => [name, { current }])
  const sandbox = {
    uid: 'u',
    namespace: 'demo',
    name: 'web',
    hostNetwork: false,
    ips: ['10.244.0.2'],
    createdAt: ago(60),
  }
  return { ...(withSandbox && { sandbox }), remains: withSandbox, containers: new Map(runs) }
}

function actions(which: Pod, observed: PodObservation, known = nothingKnown): string[] {
  return nextActions(which, observed, known, now).map((action) => {
    switch (action.type) {
      case 'startContainer':
        return `start ${action.container.name} ${action.attempt} crashes ${action.crashes}`
      case 'stopContainer':
        return `stop ${action.name} ${action.graceSeconds}`
      case 'killContainer':
        return `kill ${action.name}`
      case 'wait':
        return `wait ${action.ms}`
      case 'createSandbox':
      case 'restartSandbox':
      case 'stopSandbox':
      case 'removePod':
        return action.type
    }
  })
}

describe('a pod that should run', () => {
  test('gets its sandbox first', () => expect(actions(pod(), machine({}, false))).toEqual(['createSandbox']))

  test('then its containers', () => expect(actions(pod(), machine())).toEqual(['start web 0 crashes 0']))

  test('is left alone while it runs', () => expect(actions(pod(), machine({ web: running }))).toEqual([]))

  test('is taken down and made anew when its sandbox is lost', () => {
    expect(actions(pod(), machine({ web: running }, false))).toEqual(['stop web 0'])
    expect(actions(pod(), machine({ web: exited(137) }, false))).toEqual(['createSandbox'])
  })

  test('waits while a problem lasts', () => {
    const problem = { reason: 'ImagePullBackOff', message: '', retryAt: now.getTime() + 700 }
    const known: Knowledge = new Map([['web', { ready: false, started: false, problem }]])
    expect(actions(pod(), machine(), known)).toEqual(['wait 700'])
  })

  test('has an unhealthy container stopped', () => {
    const known: Knowledge = new Map([['web', { ready: false, started: true, unhealthy: 'liveness' }]])
    expect(actions(pod({ terminationGracePeriodSeconds: 7 }), machine({ web: running }), known)).toEqual(['stop web 7'])
    const stopping = run({ pid: 42, stopping: { at: ago(8), graceSeconds: 7 } })
    expect(actions(pod(), machine({ web: stopping }), known)).toEqual(['kill web', 'wait 1000'])
  })
})

test('an evicted pod has a second to end', () => {
  const evicted = { ...pod(), status: { phase: 'Failed', reason: 'Evicted' } }
  expect(actions(evicted, machine({ web: running }))).toEqual(['stop web 1'])
})

test('a container that failed its probe is said to be restarted only if it is', () => {
  const known: Knowledge = new Map([['web', { ready: false, started: false, unhealthy: 'startup' }]])
  const why = (restartPolicy: string) =>
    nextActions(pod({ restartPolicy }), machine({ web: running }), known, now).map(
      (action) => 'why' in action && action.why,
    )
  expect(why('Always')).toEqual(['Container web failed startup probe, will be restarted'])
  expect(why('Never')).toEqual(['Container web failed startup probe'])
})

describe('restarts', () => {
  const cases: [policy: string, code: number, expected: string[]][] = [
    ['Always', 0, ['start web 1 crashes 1']],
    ['Always', 1, ['start web 1 crashes 1']],
    ['OnFailure', 0, []],
    ['OnFailure', 1, ['start web 1 crashes 1']],
    ['Never', 0, []],
    ['Never', 1, []],
  ]
  test.each(cases)('%s after exit code %i', (restartPolicy, code, expected) => {
    expect(actions(pod({ restartPolicy }), machine({ web: exited(code) }))).toEqual(expected)
  })

  test('are delayed: 10 s, doubled up to 5 minutes', () => {
    const delays = [0, 1, 2, 3, 4, 5, 6, 7, 30].map((crashes) => backOffMs(exited(1, { crashes })) / 1000)
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 300])
    expect(actions(pod(), machine({ web: exited(1, { attempt: 3, crashes: 1 }) }))).toEqual(['wait 9000'])
  })

  test('begin a new series after ten good minutes', () => {
    const long = exited(1, { attempt: 9, crashes: 9, startedAt: ago(700) })
    expect(actions(pod(), machine({ web: long }))).toEqual(['start web 10 crashes 1'])
  })
})

describe('init containers', () => {
  const withInit = pod({ initContainers: [{ name: 'one' }, { name: 'two' }] })
  const cases: [string, Record<string, Attempt>, string[]][] = [
    ['the first one first', {}, ['start one 0 crashes 0']],
    ['the next when it succeeded', { one: exited(0) }, ['start two 0 crashes 0']],
    ['again when it failed', { one: exited(1) }, ['start one 1 crashes 1']],
    ['nothing else while one runs', { one: running }, []],
    ['the containers after all', { one: exited(0), two: exited(0) }, ['start web 0 crashes 0']],
  ]
  test.each(cases)('%s', (_, containers, expected) => expect(actions(withInit, machine(containers))).toEqual(expected))

  test('fail the pod under Never', () => {
    const never = pod({ initContainers: [{ name: 'one' }], restartPolicy: 'Never' })
    expect(actions(never, machine({ one: exited(1) }))).toEqual([])
  })
})

describe('a pod whose sandbox is another now', () => {
  const former = (code: number) => exited(code, { sandbox: ago(600) })
  const withInit = pod({ initContainers: [{ name: 'one' }, { name: 'side', restartPolicy: 'Always' }] })
  const cases: [string, Record<string, Attempt>, string[]][] = [
    [
      'begins with its init containers',
      { one: former(0), side: former(137), web: former(137) },
      ['start one 1 crashes 1'],
    ],
    ['goes on in order', { one: exited(0), side: former(137), web: former(137) }, ['start side 1 crashes 1']],
    ['then runs again', { one: exited(0), side: running, web: former(137) }, ['start web 1 crashes 1']],
  ]
  test.each(cases)('%s', (_, containers, expected) => {
    expect(actions(withInit, machine(containers))).toEqual(expected)
  })

  test('does not, when it may not run again', () => {
    const never = pod({ restartPolicy: 'Never' })
    expect(actions(never, machine({ web: exited(137) }, false))).toEqual([])
  })
})

describe('sidecars', () => {
  const side = (name: string, more = {}) => ({ name, restartPolicy: 'Always', ...more })
  const withSidecar = pod({ initContainers: [side('one'), { name: 'setup' }, side('two')] })
  const starting: Knowledge = new Map([['one', { ready: false, started: false }]])
  const cases: [string, Record<string, Attempt>, Knowledge, string[]][] = [
    ['the first', {}, nothingKnown, ['start one 0 crashes 0']],
    ['nothing while it starts', { one: running }, starting, []],
    ['the next once it has started', { one: running }, nothingKnown, ['start setup 0 crashes 0']],
    [
      'again when it ended, while the next goes on',
      { one: exited(1), setup: running },
      nothingKnown,
      ['start one 1 crashes 1'],
    ],
    ['the last', { one: running, setup: exited(0) }, nothingKnown, ['start two 0 crashes 0']],
    ['the containers', { one: running, setup: exited(0), two: running }, nothingKnown, ['start web 0 crashes 0']],
    [
      'again beside them, even after success',
      { one: exited(0), setup: exited(0), two: running, web: running },
      nothingKnown,
      ['start one 1 crashes 1'],
    ],
  ]
  test.each(cases)('%s', (_, containers, known, expected) => {
    expect(actions(withSidecar, machine(containers), known)).toEqual(expected)
  })

  test('are stopped when the others have ended for good', () => {
    const over = pod({ initContainers: [side('one')], restartPolicy: 'Never', terminationGracePeriodSeconds: 3 })
    expect(actions(over, machine({ one: running, web: exited(0) }))).toEqual(['stop one 3'])
    expect(actions(over, machine({ one: exited(0), web: exited(0) }))).toEqual([])
  })

  test('have two seconds more when their turn comes late', () => {
    const deleted = pod({ initContainers: [side('one')] }, { deletionTimestamp: ago(9), deletionGracePeriodSeconds: 5 })
    const stopping = run({ pid: 42, stopping: { at: ago(6), graceSeconds: 5 } })
    expect(actions(deleted, machine({ one: stopping, web: stopping }))).toEqual(['wait 1000', 'kill web', 'wait 1000'])
  })
})

describe('postStart', () => {
  const postStart = { exec: { command: ['true'] } }
  const two = pod({ containers: [{ name: 'web', lifecycle: { postStart } }, { name: 'next' }] })

  test('holds back the containers after it', () => {
    expect(actions(two, machine())).toEqual(['start web 0 crashes 0'])
    const hook: Knowledge = new Map([['web', { ready: true, started: true, postStart: {} }]])
    expect(actions(two, machine({ web: running }), hook)).toEqual([])
    expect(actions(two, machine({ web: running }))).toEqual(['start next 0 crashes 0'])
  })

  test('that failed ends the container', () => {
    const failed: Knowledge = new Map([['web', { ready: true, started: true, postStart: { failure: 'why' } }]])
    expect(actions(two, machine({ web: running, next: running }), failed)).toEqual(['stop web 30'])
  })
})

test('a pod past its deadline is stopped', () => {
  const late = { ...pod({ activeDeadlineSeconds: 60 }), status: { startTime: ago(60) } }
  expect(actions(late, machine({ web: running }))).toEqual(['stop web 30'])
  const early = { ...late, status: { startTime: ago(50) } }
  expect(actions(early, machine({ web: running }))).toEqual(['wait 10000'])
})

describe('a pod that has ended for good', () => {
  const ended: Pod = { ...pod({ restartPolicy: 'Never' }), status: { phase: 'Failed' } }

  test('gives back its sandbox, once', () => {
    expect(actions(ended, machine({ web: exited(1) }))).toEqual(['stopSandbox'])
    expect(actions(ended, machine({ web: exited(1) }, false))).toEqual([])
  })

  test('but not before its last container has ended', () =>
    expect(actions(ended, machine({ web: exited(1), other: running }))).toEqual(['stop other 30']))
})

describe('a pod that is being deleted', () => {
  const deleted = pod({}, { deletionTimestamp: ago(1), deletionGracePeriodSeconds: 5 })

  test('has its containers asked to end', () =>
    expect(actions(deleted, machine({ web: running }))).toEqual(['stop web 5']))

  test('waits out the grace period', () => {
    const stopping = run({ pid: 42, stopping: { at: ago(2), graceSeconds: 5 } })
    expect(actions(deleted, machine({ web: stopping }))).toEqual(['wait 3000'])
  })

  test('is asked again when the period was shortened', () => {
    const stopping = run({ pid: 42, stopping: { at: ago(2), graceSeconds: 30 } })
    expect(actions(deleted, machine({ web: stopping }))).toEqual(['stop web 5'])
  })

  test('is killed after it', () => {
    const stopping = run({ pid: 42, stopping: { at: ago(6), graceSeconds: 5 } })
    expect(actions(deleted, machine({ web: stopping }))).toEqual(['kill web', 'wait 1000'])
  })

  test('goes when all has ended, or nothing had begun', () => {
    expect(actions(deleted, machine({ web: exited(0) }))).toEqual(['removePod'])
    expect(actions(deleted, machine({}, false))).toEqual(['removePod'])
  })
})
