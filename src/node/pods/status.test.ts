import { describe, expect, test } from 'vitest'
import type { Pod, PodStatus } from '../../api/generated/v1.ts'
import type { Attempt, ContainerRuns, PodObservation } from '../runtime/contract.ts'
import type { Knowledge } from './decide.ts'
import { podStatus } from './status.ts'
import { saysNothingNew } from './status-writer.ts'

const now = new Date('2026-01-01T00:10:00Z')
const at = '2026-01-01T00:09:00Z'
const context = { nodeIPs: ['172.30.0.11'], now }

function pod(changes: Partial<Pod> = {}): Pod {
  return {
    metadata: { name: 'web-1', namespace: 'demo', uid: 'u', generation: 1 },
    spec: { containers: [{ name: 'web', image: 'nginx:1.14.2' }], restartPolicy: 'Always' },
    ...changes,
  }
}

const running: Attempt = {
  attempt: 0,
  crashes: 0,
  sandbox: at,
  id: 'abc',
  image: 'nginx:1.14.2',
  createdAt: at,
  startedAt: at,
  pid: 42,
}
const exit = (code: number, finishedAt = now.toISOString()) => ({ code, signal: 0, finishedAt, startError: '' })

function machine(runs?: ContainerRuns, withSandbox = true): PodObservation {
  const sandbox = { uid: 'u', namespace: 'demo', name: 'web-1', hostNetwork: false, ips: ['10.244.0.2'], createdAt: at }
  return { ...(withSandbox && { sandbox }), remains: withSandbox, containers: new Map(runs ? [['web', runs]] : []) }
}

function known(changes: Partial<{ ready: boolean; started: boolean }> = {}): Knowledge {
  return new Map([['web', { ready: true, started: true, ...changes }]])
}

function condition({ conditions }: PodStatus, type: string) {
  return conditions?.find((c) => c.type === type)
}

describe('a new pod', () => {
  const status = podStatus(pod(), machine(undefined, false), new Map(), context)

  test('is pending, its container being created', () => {
    expect(status).toMatchObject({
      phase: 'Pending',
      hostIP: '172.30.0.11',
      qosClass: 'BestEffort',
      startTime: '2026-01-01T00:10:00Z',
    })
    expect(status.podIP).toBeUndefined()
    expect(status.containerStatuses).toEqual([
      {
        name: 'web',
        image: 'nginx:1.14.2',
        imageID: '',
        restartCount: 0,
        ready: false,
        started: false,
        state: { waiting: { reason: 'ContainerCreating' } },
        lastState: {},
      },
    ])
  })

  test('says why it is not ready', () => {
    expect(condition(status, 'Ready')).toEqual({
      type: 'Ready',
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [web]',
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:10:00Z',
    })
    expect(condition(status, 'PodReadyToStartContainers')?.status).toBe('False')
  })
})

describe('a running pod', () => {
  const status = podStatus(pod(), machine({ current: running }), known(), context)

  test('is ready', () => {
    expect(status).toMatchObject({ phase: 'Running', podIP: '10.244.0.2', podIPs: [{ ip: '10.244.0.2' }] })
    expect(status.containerStatuses?.[0]).toMatchObject({
      ready: true,
      started: true,
      containerID: 'process://abc',
      imageID: 'process://nginx:1.14.2',
      state: { running: { startedAt: '2026-01-01T00:09:00Z' } },
    })
    for (const type of ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']) {
      expect(condition(status, type)?.status, type).toBe('True')
    }
  })

  test('keeps the times of what has not changed', () => {
    const later = podStatus(pod({ status }), machine({ current: running }), known(), {
      ...context,
      now: new Date('2026-01-01T01:00:00Z'),
    })
    expect(later).toEqual(status)
    expect(saysNothingNew(status, later)).toBe(true)
  })

  test('is not ready when a probe says so, and says it once', () => {
    const unready = podStatus(pod({ status }), machine({ current: running }), known({ ready: false }), context)
    expect(condition(unready, 'Ready')).toMatchObject({ status: 'False', reason: 'ContainersNotReady' })
    expect(saysNothingNew(status, unready)).toBe(false)
  })

  test('waits for its readiness gates', () => {
    const gated = pod({
      spec: {
        ...pod().spec,
        containers: pod().spec?.containers ?? [],
        readinessGates: [{ conditionType: 'example.org/lb' }],
      },
    })
    const waiting = podStatus(gated, machine({ current: running }), known(), context)
    expect(condition(waiting, 'Ready')).toMatchObject({ status: 'False', reason: 'ReadinessGatesNotReady' })
    const others = [{ type: 'example.org/lb', status: 'True' }]
    const ready = podStatus(
      { ...gated, status: { conditions: others } },
      machine({ current: running }),
      known(),
      context,
    )
    expect(condition(ready, 'Ready')?.status).toBe('True')
    expect(condition(ready, 'example.org/lb')).toEqual(others[0])
  })
})

describe('a container that ended', () => {
  const finished: Attempt = { ...running, attempt: 2, crashes: 2, exit: exit(3) }

  test('is in a crash loop while it waits to be restarted', () => {
    const status = podStatus(pod(), machine({ current: finished }), known(), context)
    expect(status.phase).toBe('Running')
    expect(status.containerStatuses?.[0]).toMatchObject({
      restartCount: 2,
      ready: false,
      state: {
        waiting: {
          reason: 'CrashLoopBackOff',
          message: 'back-off 20s restarting failed container=web pod=web-1_demo(u)',
        },
      },
      lastState: { terminated: { exitCode: 3, reason: 'Error', containerID: 'process://abc' } },
    })
  })

  const phases: [policy: string, code: number, phase: string][] = [
    ['Never', 0, 'Succeeded'],
    ['Never', 1, 'Failed'],
    ['OnFailure', 0, 'Succeeded'],
    ['OnFailure', 1, 'Running'],
    ['Always', 0, 'Running'],
  ]
  test.each(phases)('under %s with exit code %i leaves the pod %s', (restartPolicy, code, phase) => {
    const which = pod({ spec: { containers: [{ name: 'web' }], restartPolicy } })
    const status = podStatus(which, machine({ current: { ...running, exit: exit(code) } }), known(), context)
    expect(status.phase).toBe(phase)
    if (phase === 'Succeeded') expect(condition(status, 'Ready')?.reason).toBe('PodCompleted')
  })

  test('of a deleted pod leaves it at its end', () => {
    const deleted = pod({ metadata: { ...pod().metadata, deletionTimestamp: at } })
    const status = podStatus(deleted, machine({ current: { ...running, exit: exit(137) } }), known(), context)
    expect(status.phase).toBe('Failed')
    expect(status.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(137)
  })

  test('before it began says StartError', () => {
    const failed: Attempt = { ...running, exit: { ...exit(128), startError: 'exec: "x": not found' } }
    const never = pod({ spec: { containers: [{ name: 'web' }], restartPolicy: 'Never' } })
    const status = podStatus(never, machine({ current: failed }), known(), context)
    expect(status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ reason: 'StartError', exitCode: 128 })
  })
})

test('an init container that runs holds the others back', () => {
  const which = pod({ spec: { containers: [{ name: 'web' }], initContainers: [{ name: 'init' }] } })
  const observed = { ...machine(), containers: new Map([['init', { current: running }]]) }
  const status = podStatus(which, observed, new Map(), context)
  expect(status.phase).toBe('Pending')
  expect(status.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } })
  expect(condition(status, 'Initialized')).toMatchObject({ status: 'False', reason: 'ContainersNotInitialized' })
})

test('a pod that was rejected has a reason, and nothing else comes to it', () => {
  const status = { phase: 'Failed', reason: 'NodePorts', message: 'Pod was rejected: no', startTime: at }
  expect(podStatus(pod({ status }), machine(undefined, false), new Map(), context)).toEqual(status)
})
