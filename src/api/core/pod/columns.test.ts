import { describe, expect, test } from 'vitest'
import { row } from '../../common/testing.ts'
import type { Container, ContainerState, ContainerStatus, Pod, PodCondition } from '../../generated/v1.ts'

const now = new Date('2026-11-21T00:10:00Z')

function status(name: string, state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus {
  return { name, image: 'nginx', imageID: '', ready: false, restartCount: 0, state, ...more }
}

const running: ContainerState = { running: { startedAt: '2026-11-21T00:00:00Z' } }
const waiting = (reason: string): ContainerState => ({ waiting: { reason } })
const terminated = (exitCode: number, more = {}): ContainerState => ({ terminated: { exitCode, ...more } })
const ready: PodCondition = { type: 'Ready', status: 'True' }
const endedAt = (finishedAt: string): ContainerState => ({ terminated: { exitCode: 1, finishedAt } })

interface Case {
  containers?: ContainerStatus[]
  init?: ContainerStatus[]
  initContainers?: Container[]
  count?: number
  phase?: string
  reason?: string
  conditions?: PodCondition[]
  deleted?: boolean
}

function pod({ containers = [], init = [], initContainers, count, conditions, deleted, ...rest }: Case): Pod {
  const names = Array.from({ length: count ?? Math.max(containers.length, 1) }, (_, i) => ({ name: `c${i}` }))
  return {
    metadata: {
      name: 'web-1',
      creationTimestamp: '2026-11-21T00:00:00Z',
      ...(deleted && { deletionTimestamp: '2026-11-21T00:09:00Z' }),
    },
    spec: { containers: names, initContainers: initContainers ?? init.map(({ name }) => ({ name })) },
    status: {
      phase: 'Running',
      containerStatuses: containers,
      initContainerStatuses: init,
      ...rest,
      ...(conditions && { conditions }),
    },
  }
}

const sidecar: Container[] = [{ name: 'i0', restartPolicy: 'Always' }]

describe('READY, STATUS and RESTARTS of a pod', () => {
  test.each<[string, Case, string]>([
    ['that nobody has looked at', { phase: 'Pending' }, '0/1 Pending 0'],
    [
      'with scheduling gates',
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
      '0/1 SchedulingGated 0',
    ],
    [
      'that is being made',
      { phase: 'Pending', containers: [status('c0', waiting('ContainerCreating'))] },
      '0/1 ContainerCreating 0',
    ],
    ['that runs', { containers: [status('c0', running, { ready: true })] }, '1/1 Running 0'],
    ['that runs and is not ready', { containers: [status('c0', running)] }, '0/1 Running 0'],
    [
      'with two containers, one ready',
      { containers: [status('c0', running, { ready: true }), status('c1', running)] },
      '1/2 Running 0',
    ],
    [
      'that restarted',
      {
        containers: [
          status('c0', running, { ready: true, restartCount: 2, lastState: endedAt('2026-11-21T00:09:55Z') }),
        ],
      },
      '1/1 Running 2 (5s ago)',
    ],
    [
      'whose containers restarted at different times',
      {
        containers: [
          status('c0', running, { restartCount: 1, lastState: endedAt('2026-11-21T00:05:00Z') }),
          status('c1', running, { restartCount: 2, lastState: endedAt('2026-11-21T00:08:00Z') }),
        ],
      },
      '0/2 Running 3 (2m ago)',
    ],
    [
      'that restarted with no time known',
      { containers: [status('c0', running, { restartCount: 3 })] },
      '0/1 Running 3',
    ],
    [
      'in back-off',
      { containers: [status('c0', waiting('CrashLoopBackOff'), { restartCount: 4 })] },
      '0/1 CrashLoopBackOff 4',
    ],
    [
      'whose image is missing',
      { phase: 'Pending', containers: [status('c0', waiting('ErrImagePull'))] },
      '0/1 ErrImagePull 0',
    ],
    [
      'that completed',
      { phase: 'Succeeded', containers: [status('c0', terminated(0, { reason: 'Completed' }))] },
      '0/1 Completed 0',
    ],
    ['that failed', { phase: 'Failed', containers: [status('c0', terminated(1, { reason: 'Error' }))] }, '0/1 Error 0'],
    ['that was killed by a signal', { containers: [status('c0', terminated(137, { signal: 9 }))] }, '0/1 Signal:9 0'],
    ['that exited without a reason', { containers: [status('c0', terminated(3))] }, '0/1 ExitCode:3 0'],
    [
      'of which one part completed, ready',
      {
        conditions: [ready],
        containers: [status('c0', terminated(0, { reason: 'Completed' })), status('c1', running, { ready: true })],
      },
      '1/2 Running 0',
    ],
    [
      'of which one part completed, not ready',
      { containers: [status('c0', terminated(0, { reason: 'Completed' })), status('c1', running, { ready: true })] },
      '1/2 NotReady 0',
    ],
    ['that was evicted', { phase: 'Failed', reason: 'Evicted' }, '0/1 Evicted 0'],
    [
      'that is being deleted',
      { deleted: true, containers: [status('c0', running, { ready: true })] },
      '1/1 Terminating 0',
    ],
    [
      'that completed and is being deleted',
      { deleted: true, phase: 'Succeeded', containers: [status('c0', terminated(0, { reason: 'Completed' }))] },
      '0/1 Completed 0',
    ],
    ['whose node was lost', { deleted: true, reason: 'NodeLost' }, '0/1 Unknown 0'],
    [
      'that starts its first init container',
      { phase: 'Pending', init: [status('i0', waiting('PodInitializing'))] },
      '0/1 Init:0/1 0',
    ],
    [
      'that runs its second init container',
      { phase: 'Pending', init: [status('i0', terminated(0)), status('i1', running)] },
      '0/1 Init:1/2 0',
    ],
    [
      'whose init container fails',
      { phase: 'Pending', init: [status('i0', terminated(1, { reason: 'Error' }), { restartCount: 2 })] },
      '0/1 Init:Error 2',
    ],
    [
      'whose init container was killed',
      { phase: 'Pending', init: [status('i0', terminated(137, { signal: 9 }))] },
      '0/1 Init:Signal:9 0',
    ],
    [
      'whose init container exits without a reason',
      { phase: 'Pending', init: [status('i0', terminated(2))] },
      '0/1 Init:ExitCode:2 0',
    ],
    [
      'whose init container is in back-off',
      { phase: 'Pending', init: [status('i0', waiting('CrashLoopBackOff'))] },
      '0/1 Init:CrashLoopBackOff 0',
    ],
    [
      'past its init containers',
      {
        init: [status('i0', terminated(0), { restartCount: 5 })],
        containers: [status('c0', running, { ready: true })],
      },
      '1/1 Running 0',
    ],
    [
      'with a sidecar that started',
      {
        initContainers: sidecar,
        init: [status('i0', running, { started: true, ready: true, restartCount: 1 })],
        containers: [status('c0', running, { ready: true })],
      },
      '2/2 Running 1',
    ],
    [
      'with a sidecar that did not start',
      {
        phase: 'Pending',
        initContainers: sidecar,
        init: [status('i0', running)],
        containers: [status('c0', waiting('PodInitializing'))],
      },
      '0/2 Init:0/1 0',
    ],
  ])('%s', (_name, one, expected) => {
    const cells = row('Pod', pod(one), now)
    expect([cells['Ready'], cells['Status'], cells['Restarts']].join(' ')).toBe(expected)
  })

  test('wide columns', () => {
    const plain = row('Pod', pod({}), now)
    expect(Object.keys(plain)).toEqual([
      'Name',
      'Ready',
      'Status',
      'Restarts',
      'Age',
      'IP',
      'Node',
      'Nominated Node',
      'Readiness Gates',
    ])
    expect(Object.values(plain).slice(4)).toEqual(['10m', '<none>', '<none>', '<none>', '<none>'])
    const placed = pod({ conditions: [{ type: 'example.org/a', status: 'True' }] })
    Object.assign(placed.spec ?? {}, {
      nodeName: 'node-1',
      readinessGates: [{ conditionType: 'example.org/a' }, { conditionType: 'example.org/b' }],
    })
    Object.assign(placed.status ?? {}, { podIP: '10.244.0.54', podIPs: [{ ip: '10.244.0.54' }] })
    expect(Object.values(row('Pod', placed, now)).slice(5)).toEqual(['10.244.0.54', 'node-1', '<none>', '1/2'])
  })
})
