import { describe, expect, test } from 'vitest'
import type { Container, Pod, ResourceRequirements } from '../../api/generated/v1.ts'
import type { Attempt, PodObservation } from '../runtime/contract.ts'
import { asHeld, changedContainers, refusedResize, resizeMessage } from './resize.ts'

const given = { requests: { cpu: '100m', memory: '10Mi' }, limits: { cpu: '200m' } }

function pod(resources: ResourceRequirements, more: Partial<Container> = {}, uid = 'u'): Pod {
  return {
    metadata: { name: uid, uid, generation: 2 },
    spec: { containers: [{ name: 'c', image: 'i', resources, ...more }] },
  }
}

const run: Attempt = {
  attempt: 0,
  crashes: 0,
  id: 'x',
  image: 'i',
  createdAt: '',
  sandbox: '',
  pid: 1,
  resources: given,
}
const observed = (changes: Partial<Attempt> = {}): PodObservation => ({
  remains: true,
  containers: new Map([['c', { current: { ...run, ...changes } }]]),
})

describe('what a container holds', () => {
  const more = { ...given, limits: { cpu: '1' } }
  const policy = (resourceName: string) => ({ resizePolicy: [{ resourceName, restartPolicy: 'RestartContainer' }] })
  const cases: [what: string, Pod, PodObservation, restarts: boolean[]][] = [
    ['is what the pod says', pod(given), observed(), []],
    ['in other words', pod({ ...given, limits: { cpu: '0.2' } }), observed(), []],
    ['is less', pod(more), observed(), [false]],
    ['asks for a new start', pod(more, policy('cpu')), observed(), [true]],
    ['asks for one when another resource changes', pod(more, policy('memory')), observed(), [false]],
    ['is not known of an older agent', pod(more), { remains: true, containers: new Map() }, []],
    ['does not matter while it is being stopped', pod(more), observed({ stopping: { at: '', graceSeconds: 1 } }), []],
  ]
  test.each(cases)('%s', (_, wanted, seen, restarts) => {
    expect(changedContainers(wanted, seen).map(({ restart }) => restart)).toEqual(restarts)
  })

  test('stays when there is no room', () => {
    expect(asHeld(pod(more), observed()).spec?.containers[0]?.resources).toEqual(given)
  })
})

describe('room', () => {
  const other = pod({ requests: { cpu: '3', memory: '1Gi' } }, {}, 'other')
  const ended = { ...pod({ requests: { cpu: '4' } }, {}, 'ended'), status: { phase: 'Succeeded' } }
  const wants = (cpu: string) => pod({ requests: { cpu } })
  const cases: [what: string, Pod, ReturnType<typeof refusedResize>][] = [
    ['is there', wants('1'), undefined],
    [
      'is with another pod',
      wants('1500m'),
      {
        reason: 'Deferred',
        message: "Node didn't have enough resource: cpu, requested: 1500, used: 3000, capacity: 4000",
      },
    ],
    [
      'will never be',
      wants('5'),
      { reason: 'Infeasible', message: "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000" },
    ],
  ]
  test.each(cases)('%s', (_, wanted, refused) => {
    const node = { allocatable: { cpu: '4', memory: '8Gi' }, pods: [wanted, other, ended] }
    expect(refusedResize(wanted, node)).toEqual(refused)
  })
})

test('is told in one line', () => {
  expect(resizeMessage(pod({ requests: { cpu: '1' } }), 'completed')).toBe(
    'Pod resize completed: {"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}],"generation":2}',
  )
})
