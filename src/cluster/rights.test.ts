/** Least rights are enough: all controllers at work, each under its own identity, are refused nothing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Pod } from '../api/generated/v1.ts'
import { definitions } from '../api/index.ts'
import type { KubeObject } from '../api/machinery/object.ts'
import { type ApiServer, createApiServer, inProcessTransport } from '../apiserver/index.ts'
import { Client } from '../client/client.ts'
import type { Resource } from '../client/contract.ts'
import { resources } from '../client/resources.ts'
import { startControllers } from '../controllers/index.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLogger } from '../lib/log.ts'
import { openSqliteStore } from '../store/index.ts'
import { controlPlaneClients } from './components.ts'

const settings = {
  serviceCidrs: ['10.96.0.0/12'],
  nodePortRange: { from: 30000, to: 32767 },
  clusterDomain: 'cluster.local',
}

/** The server, with a list of what it refused for want of a right. */
function watched(server: ApiServer): { handle: ApiServer['handle']; refused: string[] } {
  const refused: string[] = []
  const handle: ApiServer['handle'] = async (request, user) => {
    const response = await server.handle(request, user)
    if (response.status !== 403) return response
    const chunks: Buffer[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    if (text.includes(' cannot ')) refused.push(text)
    return {
      ...response,
      body: (async function* () {
        yield* chunks
      })(),
    }
  }
  return { handle, refused }
}

/** The error also says what was refused so far: most likely that is why. */
async function eventually(what: string, refused: readonly string[], holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 8000
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`timed out waiting for: ${what}; refused: ${refused.join()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const namespace = 'demo'
const template = (app: string, spec: object = {}) => ({
  metadata: { name: '', labels: { app } },
  spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
})
const selecting = (app: string) => ({ selector: { matchLabels: { app } }, template: template(app) })

/** What makes every controller write something. */
const workloads: [Resource<KubeObject>, string, object][] = [
  [resources.services, 'web', { spec: { selector: { app: 'deployment' }, ports: [{ port: 80 }] } }],
  [resources.services, 'manual', { spec: { ports: [{ port: 80 }] } }],
  [resources.endpoints, 'manual', { subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }] }],
  [resources.deployments, 'deployment', { spec: { replicas: 2, ...selecting('deployment') } }],
  [resources.replicaSets, 'replicaset', { spec: { replicas: 1, ...selecting('replicaset') } }],
  [resources.daemonSets, 'daemonset', { spec: selecting('daemonset') }],
  [resources.statefulSets, 'statefulset', { spec: { serviceName: 'web', replicas: 2, ...selecting('statefulset') } }],
  [
    resources.replicationControllers,
    'rc',
    { spec: { replicas: 1, selector: { app: 'rc' }, template: template('rc') } },
  ],
  [
    resources.jobs,
    'job',
    { spec: { ttlSecondsAfterFinished: 0, template: template('job', { restartPolicy: 'Never' }) } },
  ],
  [
    resources.podDisruptionBudgets,
    'pdb',
    { spec: { minAvailable: 1, selector: { matchLabels: { app: 'deployment' } } } },
  ],
  [resources.resourceQuotas, 'quota', { spec: { hard: { pods: '100' } } }],
  [
    resources.secrets,
    'token',
    {
      metadata: { annotations: { 'kubernetes.io/service-account.name': 'default' } },
      type: 'kubernetes.io/service-account-token',
    },
  ],
]

test('all controllers do their work with the rights they have', { timeout: 30_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairway-rights-'))
  const store = openSqliteStore({ path: join(directory, 'store.db') })
  const server = createApiServer({ store, definitions, settings })
  const { handle, refused } = watched(server)
  const until = (what: string, holds: () => Promise<boolean>) => eventually(what, refused, holds)
  const stop = new AbortController()
  const clients = controlPlaneClients({ handle })
  startControllers({
    client: clients.controllerManager,
    clientOf: clients.of,
    rootCa: 'PEM',
    signToken: server.signLegacyToken,
    settings: { ...settings, podCidrs: ['10.244.0.0/16'], apiServer: { address: '192.0.2.9', port: 6443 } },
    log: silentLogger,
    clock: systemClock,
    signal: stop.signal,
  })
  const user = clients.apiserver
  const agent = new Client({
    transport: inProcessTransport(
      { handle },
      { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] },
    ),
  })
  const ready = { type: 'Ready', status: 'True' }
  try {
    await until('the system namespaces', async () => (await user.list(resources.namespaces)).items.length >= 4)
    await user.create(resources.namespaces, { metadata: { name: namespace } })
    await agent.create(resources.nodes, { metadata: { name: 'n1' } })
    await agent.patch(
      resources.nodes,
      { name: 'n1' },
      { status: { conditions: [ready], allocatable: { pods: '110', cpu: '8', memory: '8Gi' } } },
      { type: 'application/merge-patch+json', subresource: 'status' },
    )
    for (const [resource, name, object] of workloads) {
      const { metadata, ...rest } = object as Partial<KubeObject>
      await user.create(resource, { ...rest, metadata: { ...metadata, name, namespace } })
    }
    await until('all workloads to be as wanted', async () => {
      await runPods(agent)
      const sets = await user.list(resources.statefulSets, { namespace })
      const deployments = await user.list(resources.deployments, { namespace })
      const jobs = await user.list(resources.jobs, { namespace })
      return (
        sets.items[0]?.status?.readyReplicas === 2 &&
        deployments.items[0]?.status?.readyReplicas === 2 &&
        jobs.items.length === 0
      )
    })
    const next = {
      spec: { replicas: 1, template: template('deployment', { containers: [{ name: 'c', image: 'y' }] }) },
    }
    await user.patch(resources.deployments, { namespace, name: 'deployment' }, next)
    await user.delete(resources.statefulSets, { namespace, name: 'statefulset' }, { propagationPolicy: 'Foreground' })
    await user.delete(resources.namespaces, { name: namespace })
    await until('the namespace to be gone', async () => {
      await runPods(agent)
      return (await user.list(resources.namespaces)).items.every(({ metadata }) => metadata.name !== namespace)
    })
    expect(refused).toEqual([])
  } finally {
    stop.abort()
    server.close()
    await store.close()
    rmSync(directory, { recursive: true })
  }
})

/** As the agent of n1: what is bound to it runs, jobs' pods end at once, and what is to go is gone. */
async function runPods(agent: Client): Promise<void> {
  const { items } = await agent.list(resources.pods, { fieldSelector: 'spec.nodeName=n1' })
  await Promise.all(items.map((pod) => runPod(agent, pod)))
}

async function runPod(agent: Client, { metadata, status }: Pod & KubeObject): Promise<void> {
  if (metadata.deletionTimestamp) return agent.delete(resources.pods, metadata, { gracePeriodSeconds: 0 })
  if (status?.phase !== 'Pending') return
  const phase = metadata.labels?.['app'] === 'job' ? 'Succeeded' : 'Running'
  const conditions = [{ type: 'Ready', status: phase === 'Running' ? 'True' : 'False' }]
  const next = { status: { phase, conditions, podIP: '10.244.0.9', podIPs: [{ ip: '10.244.0.9' }] } }
  await agent.patch(resources.pods, metadata, next, { type: 'application/merge-patch+json', subresource: 'status' })
}
