import { afterEach, describe, expect, test } from 'vitest'
import type { DaemonSet } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { forbiddenError, type StatusError } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerContext } from '../context.ts'
import { startScheduler } from '../scheduler/index.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, node, playAgents, startHarness, template } from '../testing/harness.ts'
import { startDaemonSetController } from './index.ts'
import { eligibility, rollout, targetNode, templateForNode } from './plan.ts'

const labels = { 'k8s-app': 'kube-proxy' }

function namespaceTerminatingError(): StatusError {
  const error = forbiddenError({ group: '', resource: 'pods' }, '', 'it is being terminated')
  error.status.details = { ...error.status.details, causes: [{ reason: 'NamespaceTerminating' }] }
  return error
}

function daemonSet(spec: Partial<DaemonSet['spec']> = {}): DaemonSet {
  return {
    metadata: { name: 'kube-proxy', namespace: 'kube-system' },
    spec: { selector: { matchLabels: labels }, template: template(labels), ...spec },
  }
}

describe('where daemons run', () => {
  const taint = (key: string, effect: string) => node('n', { spec: { taints: [{ key, effect }] } })
  const cases: [string, ReturnType<typeof node>, boolean, boolean][] = [
    ['an ordinary node', node('n'), true, true],
    ['a cordoned node', taint('node.kubernetes.io/unschedulable', 'NoSchedule'), true, true],
    ['a node under pressure', taint('node.kubernetes.io/memory-pressure', 'NoSchedule'), true, true],
    ['a node that is lost keeps its daemon', taint('node.kubernetes.io/unreachable', 'NoExecute'), true, true],
    ['a foreign taint', taint('gpu', 'NoSchedule'), false, true],
    ['a foreign evicting taint', taint('gpu', 'NoExecute'), false, false],
    ['a node that is not ready', node('n', { status: {} }), false, true],
  ]
  test.each(cases)('%s', (_, target, shouldRun, mayStay) => {
    expect(eligibility(daemonSet(), target)).toEqual({ shouldRun, mayStay })
  })

  test('the pod is pinned to its node, beside its own terms', () => {
    const zone = { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }
    const affinity = {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [zone] } },
    }
    const own = template(labels)
    const pinned = templateForNode(
      daemonSet({ template: { ...own, spec: { containers: [], affinity, hostNetwork: true } } }),
      'n7',
      'present',
    )
    const terms = pinned.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    expect(terms).toEqual([{ ...zone, matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n7'] }] }])
    expect(targetNode({ metadata: { name: '' }, spec: pinned.spec ?? { containers: [] } })).toBe('n7')
    expect(pinned.spec?.tolerations?.map((t) => `${t.key?.split('/')[1]}:${t.effect}`)).toEqual([
      'not-ready:NoExecute',
      'unreachable:NoExecute',
      'disk-pressure:NoSchedule',
      'memory-pressure:NoSchedule',
      'pid-pressure:NoSchedule',
      'unschedulable:NoSchedule',
      'network-unavailable:NoSchedule',
    ])
  })
})

describe('a new template', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  const nodes = ['a', 'b', 'c'].map((name) => node(name))
  const view = (set: DaemonSet, states: Record<string, 'new' | 'new, not ready' | 'old' | 'old, not ready'>) => {
    const pods = new Map<string, Pod[]>()
    for (const [name, state] of Object.entries(states)) {
      const hash = state.startsWith('new') ? 'present' : 'former'
      const status = state.endsWith('not ready') ? 'False' : 'True'
      pods.set(name, [
        {
          metadata: { name: `pod-${name}`, labels: { ...labels, 'controller-revision-hash': hash } },
          status: { conditions: [{ type: 'Ready', status, lastTransitionTime: now.toISOString() }] },
        },
      ])
    }
    const { create, remove } = rollout(set, nodes, pods, { now, revision: 'present' })
    return { create, remove: remove.map((pod) => pod.metadata.name) }
  }
  const strategy = (rollingUpdate: object) => daemonSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } })

  test('replaces one pod at a time', () => {
    expect(view(daemonSet(), { a: 'old', b: 'old', c: 'old' })).toEqual({ create: [], remove: ['pod-a'] })
    expect(view(daemonSet(), { a: 'new, not ready', b: 'old', c: 'old' }).remove).toEqual([])
    expect(view(daemonSet(), { a: 'new', b: 'old', c: 'old' }).remove).toEqual(['pod-b'])
  })
  test('replaces what serves nothing at once', () => {
    expect(view(daemonSet(), { a: 'old', b: 'old, not ready', c: 'old, not ready' }).remove).toEqual(['pod-b', 'pod-c'])
  })
  test('goes as fast as maxUnavailable allows', () => {
    const two = strategy({ maxUnavailable: '50%' })
    expect(view(two, { a: 'old', b: 'old', c: 'old' }).remove).toEqual(['pod-a', 'pod-b'])
  })
  test('with a surge starts the new pod first', () => {
    const surge = strategy({ maxSurge: 1, maxUnavailable: 0 })
    expect(view(surge, { a: 'old', b: 'old', c: 'old' })).toEqual({ create: ['a'], remove: [] })
  })
  test('waits for the user with OnDelete', () => {
    const onDelete = daemonSet({ updateStrategy: { type: 'OnDelete' } })
    expect(view(onDelete, { a: 'old, not ready' })).toEqual({ create: [], remove: [] })
  })
})

describe('the controller', () => {
  let harness: Harness
  afterEach(() => harness.stop())
  const begin = (api = new FakeApi()) => {
    const start = (ctx: ControllerContext) => {
      startDaemonSetController(ctx)
      startScheduler(ctx)
    }
    harness = startHarness(start, { api })
    playAgents(harness)
    return harness
  }
  const running = () =>
    harness.api
      .all(resources.pods)
      .filter((pod) => pod.status?.phase === 'Running')
      .map((pod) => pod.spec?.nodeName ?? '')
      .sort()

  test('follows the nodes, replaces deleted pods and reports', async () => {
    const { api, quiet } = begin()
    await api.create(resources.daemonSets, daemonSet())
    for (const name of ['a', 'b']) await api.create(resources.nodes, node(name))
    await quiet()
    expect(running()).toEqual(['a', 'b'])
    await api.delete(resources.pods, api.all(resources.pods)[0]!.metadata)
    await api.create(resources.nodes, node('c'))
    await quiet()
    expect(running()).toEqual(['a', 'b', 'c'])
    const set = () => api.all(resources.daemonSets)[0]
    expect(set()?.status).toEqual({
      currentNumberScheduled: 3,
      desiredNumberScheduled: 3,
      numberAvailable: 3,
      numberMisscheduled: 0,
      numberReady: 3,
      observedGeneration: 1,
      updatedNumberScheduled: 3,
    })
    api.writes.length = 0
    await quiet()
    expect(api.writes).toEqual([])
  })

  const events = () => harness.api.all(resources.events).map(({ reason, message }) => `${reason}: ${message}`)

  test('a namespace that is going away takes no daemons, which is no failure', async () => {
    const api = new FakeApi()
    api.refuse = (write) => {
      if (write === 'create pods') throw namespaceTerminatingError()
    }
    const { quiet } = begin(api)
    await api.create(resources.daemonSets, daemonSet())
    await api.create(resources.nodes, node('a'))
    await quiet()
    expect(events()).toEqual([])
  })

  test('a daemon that may not be deleted is told in an event', async () => {
    const api = new FakeApi()
    const { until, quiet } = begin(api)
    await api.create(resources.daemonSets, daemonSet())
    await api.create(resources.nodes, node('a'))
    await quiet()
    api.refuse = (write) => {
      if (write === 'delete pods') throw forbiddenError({ group: '', resource: 'pods' }, 'a', 'not now')
    }
    await api.patch(resources.nodes, { name: 'a' }, { spec: { taints: [{ key: 'gpu', effect: 'NoExecute' }] } })
    await until('the event', () => events().includes('FailedDelete: Error deleting: pods "a" is forbidden: not now'))
  })

  test('rolls a new template over all nodes', async () => {
    const { api, quiet } = begin()
    for (const name of ['a', 'b', 'c']) await api.create(resources.nodes, node(name))
    await api.create(resources.daemonSets, daemonSet())
    await quiet()
    const { metadata } = api.all(resources.daemonSets)[0] as DaemonSet
    await api.update(resources.daemonSets, { ...daemonSet({ template: template(labels, 'web:2') }), metadata })
    await quiet()
    expect(running()).toEqual(['a', 'b', 'c'])
    expect(new Set(api.all(resources.pods).map((pod) => pod.spec?.containers[0]?.image))).toEqual(new Set(['web:2']))
    expect(api.all(resources.daemonSets)[0]?.status).toMatchObject({ updatedNumberScheduled: 3, numberAvailable: 3 })
  })

  test('a revision is the patch that kubectl makes of the template, key by key', async () => {
    const { api, quiet } = begin()
    const container = { name: 'main', image: 'nginx', env: [{ value: '1', name: 'A' }] }
    const made = { ...template(labels), spec: { restartPolicy: 'Always', containers: [container] } }
    await api.create(resources.daemonSets, daemonSet({ template: made }))
    await quiet()
    const [revision] = api.all(resources.controllerRevisions)
    expect(JSON.stringify(revision?.data)).toBe(
      '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"k8s-app":"kube-proxy"},"name":""},' +
        '"spec":{"containers":[{"env":[{"name":"A","value":"1"}],"image":"nginx","name":"main"}],"restartPolicy":"Always"}}}}',
    )
  })

  test('keeps a revision for each template, and goes back to one', async () => {
    const { api, quiet } = begin()
    await api.create(resources.nodes, node('a'))
    await api.create(resources.daemonSets, daemonSet({ revisionHistoryLimit: 1 }))
    await quiet()
    const images = () => api.all(resources.pods).map((pod) => pod.spec?.containers[0]?.image)
    const revisions = () => api.all(resources.controllerRevisions).sort((a, b) => a.revision - b.revision)
    const at = { namespace: 'kube-system', name: 'kube-proxy' }
    const setImage = async (image: string) => {
      await api.patch(resources.daemonSets, at, {
        spec: { template: { spec: { containers: [{ name: 'web', image }] } } },
      })
      await quiet()
    }
    await setImage('web:2')
    const [first, second] = revisions()
    expect(api.all(resources.pods)[0]?.metadata.labels?.['controller-revision-hash']).toBe(
      second?.metadata.labels?.['controller-revision-hash'],
    )
    // What `kubectl rollout undo` sends.
    await api.patch(resources.daemonSets, at, first?.data)
    await quiet()
    expect(images()).toEqual(['web:1'])
    expect(revisions().map(({ metadata, revision }) => [metadata.name, revision])).toEqual([
      [second?.metadata.name, 2],
      [first?.metadata.name, 3],
    ])
    await setImage('web:3')
    expect(revisions().map(({ revision }) => revision)).toEqual([3, 4])
  })
})
