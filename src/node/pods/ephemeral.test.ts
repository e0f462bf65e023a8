import { describe, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/v1.ts'
import type { Attempt, PodObservation } from '../runtime/contract.ts'
import { nextActions } from './decide.ts'
import { podStatus } from './status.ts'

const now = new Date('2026-01-01T00:10:00Z')
const pod: Pod = {
  metadata: { name: 'web', namespace: 'demo', uid: 'u' },
  spec: {
    initContainers: [{ name: 'init', image: 'a' }],
    containers: [{ name: 'web', image: 'a' }],
    ephemeralContainers: [{ name: 'debug', image: 'busybox', targetContainerName: 'web' }],
    restartPolicy: 'Always',
  },
}

const run: Attempt = {
  attempt: 0,
  crashes: 0,
  sandbox: '2026-01-01T00:00:00Z',
  id: 'id',
  image: 'a',
  createdAt: '2026-01-01T00:00:00Z',
  startedAt: '2026-01-01T00:00:00Z',
}
const running = { ...run, pid: 1 }
const ended = (code: number) => ({
  ...run,
  exit: { code, signal: 0, finishedAt: '2026-01-01T00:01:00Z', startError: '', message: '', outOfMemory: false },
})

function machine(containers: Record<string, Attempt>): PodObservation {
  const sandbox = {
    uid: 'u',
    namespace: 'demo',
    name: 'web',
    hostNetwork: false,
    ips: ['10.244.0.2'],
    createdAt: run.createdAt,
  }
  const runs = Object.entries(containers).map(([name, current]) => [name, { current }] as const)
  return { sandbox, remains: true, containers: new Map(runs) }
}

const started = (containers: Record<string, Attempt>) =>
  nextActions(pod, machine(containers), new Map(), now).flatMap((action) =>
    action.type === 'startContainer' ? [action.container.name] : [],
  )

const status = (containers: Record<string, Attempt>) =>
  podStatus(pod, machine(containers), new Map(), { nodeIPs: ['172.30.0.11'], now })

describe('an ephemeral container', () => {
  test('starts before all others, also while these cannot', () => {
    expect(started({})).toEqual(['debug', 'init'])
    expect(started({ init: running })).toEqual(['debug'])
  })

  test('runs once, whatever the restart policy', () => {
    expect(started({ init: ended(0), web: running, debug: running })).toEqual([])
    expect(started({ init: ended(0), web: running, debug: ended(1) })).toEqual([])
  })

  test('has a status of its own, is never ready, and does not count for the pod', () => {
    const up = status({ init: ended(0), web: running, debug: running })
    expect(up.ephemeralContainerStatuses).toMatchObject([{ name: 'debug', ready: false, state: { running: {} } }])
    expect(up.ephemeralContainerStatuses?.[0]).not.toHaveProperty('started')
    expect(up.phase).toBe('Running')
    const { ephemeralContainerStatuses, phase, conditions } = status({ init: ended(0), web: running, debug: ended(7) })
    expect(ephemeralContainerStatuses).toMatchObject([{ state: { terminated: { exitCode: 7, reason: 'Error' } } }])
    expect(phase).toBe('Running')
    expect(conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
  })
})
