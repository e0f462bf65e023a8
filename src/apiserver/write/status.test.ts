/** The status subresource of every kind that has one: it changes the status and some metadata, and nothing else. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { apiVersionOf } from '../../api/resource.ts'
import { startTestServer, type TestServer } from '../test-server.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
})
afterAll(() => api[Symbol.asyncDispose]())

const pod = { containers: [{ name: 'c', image: 'i' }] }
const template = { metadata: { labels: { a: 'b' } }, spec: pod }
const selector = { matchLabels: { a: 'b' } }
const job = { template: { spec: { ...pod, restartPolicy: 'Never' } } }

const time = '2026-01-01T00:00:00Z'

interface Case {
  readonly spec: object
  /** What a client would like to change through the wrong door. */
  readonly wish: object
  readonly status: object
}

const cases: Readonly<Record<string, Case>> = {
  namespaces: { spec: {}, wish: { finalizers: [] }, status: { phase: 'Active' } },
  nodes: { spec: {}, wish: { unschedulable: true }, status: { nodeInfo: { architecture: 'amd64' } } },
  pods: { spec: pod, wish: { activeDeadlineSeconds: 5 }, status: { phase: 'Running' } },
  persistentvolumes: {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
    wish: { persistentVolumeReclaimPolicy: 'Delete' },
    status: { phase: 'Available' },
  },
  volumeattachments: {
    spec: { attacher: 'd.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } },
    wish: { nodeName: 'other' },
    status: { attached: true, attachmentMetadata: { a: 'b' } },
  },
  persistentvolumeclaims: {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    wish: { volumeName: 'v' },
    status: { phase: 'Pending' },
  },
  replicationcontrollers: {
    spec: { replicas: 1, selector: { a: 'b' }, template },
    wish: { replicas: 2 },
    status: { replicas: 1 },
  },
  services: {
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    wish: { sessionAffinity: 'ClientIP' },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
  },
  deployments: { spec: { selector, template }, wish: { replicas: 2 }, status: { replicas: 1 } },
  replicasets: { spec: { selector, template }, wish: { replicas: 2 }, status: { replicas: 1 } },
  daemonsets: { spec: { selector, template }, wish: { minReadySeconds: 2 }, status: { numberReady: 0 } },
  statefulsets: { spec: { selector, template, serviceName: 's' }, wish: { replicas: 2 }, status: { replicas: 1 } },
  jobs: { spec: job, wish: { backoffLimit: 9 }, status: { active: 1 } },
  cronjobs: {
    spec: { schedule: '* * * * *', jobTemplate: { spec: job } },
    wish: { suspend: true },
    status: { lastScheduleTime: time },
  },
  ingresses: {
    spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } },
    wish: { ingressClassName: 'x' },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
  },
  servicecidrs: {
    spec: { cidrs: ['10.200.0.0/24'] },
    wish: { cidrs: ['10.200.0.0/24', 'fd00::/112'] },
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'R', message: '', lastTransitionTime: time }] },
  },
  horizontalpodautoscalers: {
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 3 },
    wish: { maxReplicas: 4 },
    status: { currentReplicas: 1, desiredReplicas: 2 },
  },
  resourcequotas: {
    spec: { hard: { secrets: '9' } },
    wish: { hard: { secrets: '8' } },
    status: { used: { secrets: '1' } },
  },
  poddisruptionbudgets: {
    spec: { selector, minAvailable: 1 },
    wish: { minAvailable: 2 },
    status: { currentHealthy: 1 },
  },
}

/** Upstream keeps the labels as well. */
const keepsLabels = new Set(['deployments', 'volumeattachments'])
const keepsAnnotations = new Set(['volumeattachments'])

/** Other versions of a kind are the same objects. */
const withStatus = definitions.filter(({ status, storedAs }) => status && !storedAs)

test('every kind with a status has a case', () => {
  const unknown = withStatus.filter(({ plural }) => !Object.hasOwn(cases, plural))
  expect(unknown.map(({ plural }) => plural)).toEqual([])
})

test.each(withStatus.map((definition) => [definition.plural, definition.version, definition] as const))(
  '%s %s',
  async (plural, version, definition) => {
    const { spec, wish, status } = cases[plural]!
    const name = `x-${version}`
    const root = definition.group ? '/apis' : '/api'
    const path = `${root}/${apiVersionOf(definition)}${definition.namespaced ? '/namespaces/default' : ''}/${plural}`
    const created = await api.request('POST', path, { metadata: { name, labels: { l: '1' } }, spec })
    expect(created.status, created.body.message).toBe(201)
    const metadata = { ...created.body.metadata, labels: { l: '2' }, annotations: { note: 'yes' } }
    const sent = { ...created.body, metadata, spec: { ...(created.body['spec'] as object), ...wish }, status }
    const { status: code, body } = await api.request('PUT', `${path}/${name}/status`, sent)
    expect(code, body.message).toBe(200)
    expect(body['spec']).toEqual(created.body['spec'])
    expect(body['status']).toMatchObject(status)
    expect(body.metadata?.['annotations']).toEqual(keepsAnnotations.has(plural) ? undefined : { note: 'yes' })
    expect(body.metadata?.['labels']).toMatchObject({ l: keepsLabels.has(plural) ? '1' : '2' })
    expect(body.metadata?.['generation']).toBe(created.body.metadata?.['generation'])
  },
)
