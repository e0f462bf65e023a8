/** pods/eviction: a delete that a PodDisruptionBudget may put off (upstream's EvictionREST). */
import { disruptionTarget, isPodTerminal, podReady, setPodCondition } from '../../api/core/pod/conditions.ts'
import type { Eviction, PodDisruptionBudget } from '../../api/generated/policy.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { checkKind, splitGroupVersion, typeNameOf } from '../../api/machinery/body.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { labelSelectorMatcher } from '../../api/machinery/selectors.ts'
import { badRequest, forbiddenError, isReason, StatusError } from '../../api/machinery/status.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { resources } from '../../client/resources.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { readBody } from '../http/body.ts'
import { json } from '../http/respond.ts'
import { readEntry } from '../read/index.ts'
import { deleteObject } from '../write/delete.ts'
import type { DeleteOptions } from '../write/delete-options.ts'
import { parseWriteOptions, type WriteOptions } from '../write/options.ts'
import { updateObject } from '../write/update.ts'

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
const evictionKind = { group: 'policy', version: 'v1', kind: 'Eviction' }
/** Evictions that were granted and not yet seen by the controller. */
const disruptedMax = 2000
const tries = 20

export async function handleEviction(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const sent = parseWriteOptions(request.query, 'CreateOptions')
  const eviction = await readEviction(request, sent)
  const { name } = eviction.metadata ?? {}
  if (name && name !== request.name) throw badRequest('name in URL does not match name in Eviction object')
  const asked: DeleteOptions = {
    ...(eviction.deleteOptions as DeleteOptions),
    ...(sent.dryRun && { dryRun: ['All'] }),
  }
  await evict(context, request, asked)
  return json(201, success)
}

/** policy/v1beta1 is served no more, and its Evictions are still taken (upstream's AcceptsGroupVersion). */
async function readEviction(request: ResourceRequest, sent: WriteOptions): Promise<Eviction> {
  const eviction = await readBody<Eviction>(request, evictionKind, sent, typeNameOf(evictionKind))
  const { apiVersion = '', kind = '' } = eviction
  if (apiVersion !== 'policy/v1beta1') checkKind({ ...splitGroupVersion(apiVersion), kind }, evictionKind, undefined)
  return eviction
}

async function evict(context: ServerContext, request: ResourceRequest, asked: DeleteOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const current = await readEntry(context, request)
    const budget = await permission(context, request, { current, asked })
    try {
      await markAndDelete(context, request, withVersion(asked, budget.pinned ? current : undefined))
      return
    } catch (error) {
      // The pod changed since it was found to be nobody's loss: look again.
      const again = budget.pinned && isReason(error, 'Conflict') && asked.preconditions?.resourceVersion === undefined
      if (!again) throw error
      if (budget.name) throw tooManyRequests(stillProcessed(budget.name), 10)
      if (attempt === tries) throw error
    }
  }
}

interface Permission {
  /** Only this version of the pod may go. */
  readonly pinned: boolean
  /** The budget that was asked. */
  readonly name?: string
}

/** Throws 429 when the pod must stay for now. */
async function permission(
  context: ServerContext,
  request: ResourceRequest,
  { current, asked }: { current: Entry; asked: DeleteOptions },
): Promise<Permission> {
  const pod: Pod = current.object
  // Ended or never begun: its disruption is none.
  if (isPodTerminal(pod) || pod.metadata.deletionTimestamp) return { pinned: false }
  if (pod.status?.phase === 'Pending') return { pinned: true }
  const budgets = await budgetsOf(context, request, pod)
  const [budget] = budgets
  if (!budget) return { pinned: false }
  const { name } = budget.metadata
  if (budgets.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    throw new StatusError({ code: 500, message })
  }
  if (!podReady(pod) && mayGoUnhealthy(budget)) return { pinned: true, name }
  await decrement(context, request, { name, dryRun: (asked.dryRun ?? []).length > 0 })
  return { pinned: false, name }
}

async function budgetsOf(context: ServerContext, request: ResourceRequest, pod: Pod): Promise<PodDisruptionBudget[]> {
  const cache = await context.objects.cache(resources.podDisruptionBudgets)
  await context.feed.current()
  return cache
    .list(request.namespace)
    .map((entry): PodDisruptionBudget => entry.object)
    .filter(({ spec }) => labelSelectorMatcher(spec?.selector)(pod.metadata.labels))
}

/** A pod that is not ready counts for nothing. */
function mayGoUnhealthy({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {}
  return currentHealthy >= desiredHealthy && desiredHealthy > 0
}

/** Takes one from what the budget allows; the controller counts anew when the pod has gone. */
async function decrement(
  context: ServerContext,
  request: ResourceRequest,
  { name, dryRun }: { name: string; dryRun: boolean },
): Promise<void> {
  const resource = context.registry.served(resources.podDisruptionBudgets)
  await updateObject(
    context,
    { ...request, resource, name, subresource: 'status' },
    {
      strategy: resource.definition.status ?? {},
      options: { dryRun },
      change: (current) => decremented(current.copy(), request.name, formatTime(context.clock.now())),
    },
  )
}

function decremented(budget: PodDisruptionBudget, pod: string, now: string): KubeObject {
  const { name, generation = 0 } = budget.metadata
  const { status = {} } = budget
  const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0 } = status
  const refused = (why: string) => forbiddenError({ group: 'policy', resource: 'poddisruptionbudget' }, name, why)
  if (observedGeneration < generation) throw tooManyRequests(stillProcessed(name), 10)
  if (Object.keys(disruptedPods).length > disruptedMax) {
    throw refused('DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  }
  if (disruptionsAllowed < 0) throw refused('pdb disruptions allowed is negative')
  if (disruptionsAllowed === 0) throw tooManyRequests(whyNone(budget), 0)
  const left = disruptionsAllowed - 1
  const conditions = (status.conditions ?? []).map((condition) =>
    left === 0 && condition.type === 'DisruptionAllowed' && condition.status === 'True'
      ? { ...condition, status: 'False', reason: 'InsufficientPods', lastTransitionTime: now }
      : condition,
  )
  const next = { ...status, disruptionsAllowed: left, disruptedPods: { ...disruptedPods, [pod]: now }, conditions }
  return { ...budget, status: next } as KubeObject
}

function stillProcessed(name: string): string {
  return `The disruption budget ${name} is still being processed by the server.`
}

function whyNone({ metadata: { name }, status }: PodDisruptionBudget): string {
  const condition = status?.conditions?.find(({ type }) => type === 'DisruptionAllowed')
  if (condition?.reason === 'SyncFailed') {
    return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`
  }
  const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {}
  return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
}

function tooManyRequests(cause: string, retryAfterSeconds: number): StatusError {
  return new StatusError({
    code: 429,
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [{ reason: 'DisruptionBudget', message: cause }],
      ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
    },
  })
}

function withVersion(asked: DeleteOptions, pinned: Entry | undefined): DeleteOptions {
  if (!pinned || asked.preconditions?.resourceVersion !== undefined) return asked
  return { ...asked, preconditions: { ...asked.preconditions, resourceVersion: String(pinned.revision) } }
}

/** The pod says why it goes, for those who judge its failure. */
async function markAndDelete(context: ServerContext, request: ResourceRequest, options: DeleteOptions): Promise<void> {
  if ((options.dryRun ?? []).length > 0) {
    await deleteObject(context, request, options)
    return
  }
  const marked = await updateObject(
    context,
    { ...request, subresource: 'status' },
    {
      strategy: {},
      options: { dryRun: false },
      change: (current) => withTarget(current, options, context.clock.now()),
    },
  )
  const version = (JSON.parse(marked.bytes.toString()) as KubeObject).metadata.resourceVersion
  const { preconditions } = options
  const pinned = preconditions?.resourceVersion === undefined || !version ? {} : { resourceVersion: version }
  await deleteObject(context, request, {
    ...options,
    ...(preconditions && { preconditions: { ...preconditions, ...pinned } }),
  })
}

function withTarget(current: Entry, { preconditions }: DeleteOptions, now: Date): KubeObject {
  const pod: Pod = current.copy()
  const conflict = (what: string, wanted: string, have: string, end: string) =>
    new StatusError({
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on Pod ${JSON.stringify(pod.metadata.name)}: the ${what} in the precondition (${wanted}) does not match the ${what} in record (${have}). ${end}`,
      details: { name: pod.metadata.name, kind: 'Pod' },
    })
  const { uid, resourceVersion } = preconditions ?? {}
  if (uid && uid !== pod.metadata.uid) {
    const end = 'The object might have been deleted and then recreated'
    throw conflict('UID', uid, pod.metadata.uid ?? '', end)
  }
  if (resourceVersion && resourceVersion !== String(current.revision)) {
    throw conflict('ResourceVersion', resourceVersion, String(current.revision), 'The object might have been modified')
  }
  setPodCondition(
    pod,
    disruptionTarget(pod, { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting', now }),
  )
  return pod
}
