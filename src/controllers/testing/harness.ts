/** Runs controllers against the fake API, and waits for what they bring about. */
import type { Deployment } from '../../api/generated/apps.v1.ts'
import type { Node, Pod, PodTemplateSpec } from '../../api/generated/v1.ts'
import { EventRecorder } from '../../client/events.ts'
import { resources } from '../../client/resources.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/log.ts'
import { type ControllerContext, type ControllerSettings, SharedInformers } from '../context.ts'
import { FakeApi } from './fake-api.ts'

export const settings: ControllerSettings = {
  serviceCidrs: ['10.96.0.0/12'],
  podCidrs: ['10.244.0.0/16'],
  apiServer: { address: '172.30.0.1', port: 6443 },
}

export interface Harness {
  readonly api: FakeApi
  readonly ctx: ControllerContext
  /** Resolves when the condition holds; fails after two seconds, naming what was awaited. */
  readonly until: (what: string, condition: () => boolean) => Promise<void>
  /** Resolves when nobody writes any more. */
  readonly quiet: () => Promise<void>
  readonly stop: () => void
}

/** Starts the given controllers on an empty cluster. */
export function startHarness(
  start: (ctx: ControllerContext) => void,
  { clock = systemClock, api = new FakeApi() }: { clock?: Clock; api?: FakeApi } = {},
): Harness {
  const stopper = new AbortController()
  const { signal } = stopper
  const log = silentLogger
  const informers = new SharedInformers({ client: api, log })
  const events = (component: string) => new EventRecorder({ client: api, component, clock, log })
  const ctx: ControllerContext = { client: api, informers, settings, log, clock, signal, events }
  start(ctx)
  informers.start(signal)
  return { api, ctx, until, quiet: () => quiet(api), stop: () => stopper.abort() }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 2000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 2 s: ${what}`)
    await turns(1)
  }
}

/** Everything here runs in event-loop turns: none of them writing for many means that nothing is left to do. */
export async function quiet(api: FakeApi): Promise<void> {
  for (let writes = -1; writes !== api.writes.length; ) {
    writes = api.writes.length
    await turns(50)
  }
}

export function template(labels: Record<string, string>, image = 'web:1'): PodTemplateSpec {
  return { metadata: { name: '', labels }, spec: { containers: [{ name: 'web', image }] } }
}

export function deployment(name: string, replicas: number, spec: Partial<Deployment['spec']> = {}): Deployment {
  const labels = { app: name }
  return {
    metadata: { name, namespace: 'demo' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: template(labels),
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      ...spec,
    },
  }
}

export function node(name: string, extra: Partial<Node> = {}): Node {
  return {
    spec: {},
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
    ...extra,
    metadata: { name, ...extra.metadata },
  }
}

/** What a node's agent does: the pod runs and is ready. */
export async function runPod(api: FakeApi, pod: Pod, ready: 'True' | 'False' = 'True'): Promise<void> {
  const conditions = [{ type: 'Ready', status: ready, lastTransitionTime: '2026-01-01T00:00:00Z' }]
  await api.patch(resources.pods, pod.metadata, { status: { phase: 'Running', conditions } }, { subresource: 'status' })
}

/** Plays the agent for every pod that shows up: runs what is new, ends what is deleted. */
export function playAgents(harness: Harness): void {
  harness.ctx.informers.of(resources.pods).onChange(({ type, object }) => {
    if (type === 'deleted') return
    const { metadata, status } = object
    const act = metadata.deletionTimestamp
      ? harness.api.delete(resources.pods, metadata, { gracePeriodSeconds: 0 })
      : status?.phase === 'Pending' && runPod(harness.api, object)
    void Promise.resolve(act).catch(() => {})
  })
}
