/** Disruption controller: keeps the status of PodDisruptionBudgets, by which the API server grants evictions. */
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/generated/policy.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { type KubeObject, objectKey } from '../../api/machinery/object.ts'
import { formatLabelSelector } from '../../api/machinery/selectors.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { selectorMatcher } from '../shared/selector.ts'
import { type ScaleReader, scaleReader } from './scale.ts'
import { budgetStatus, disruptedPods, failedStatus, needsScale, wantedPods } from './status.ts'

export function startDisruptionController(ctx: ControllerContext): void {
  new DisruptionController(ctx).start()
}

class DisruptionController {
  readonly #ctx: ControllerContext
  readonly #budgets: Informer<PodDisruptionBudget>
  readonly #pods: Informer<Pod>
  readonly #scale: ScaleReader
  readonly #events: EventRecorder
  readonly #queue: WorkQueue

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#budgets = ctx.informers.of(resources.podDisruptionBudgets)
    this.#pods = ctx.informers.of(resources.pods)
    this.#scale = scaleReader(ctx)
    this.#events = ctx.events('controllermanager')
    const { informers } = ctx
    const { deployments, replicaSets, replicationControllers, statefulSets } = resources
    this.#queue = startQueue(ctx, {
      name: 'disruption',
      after: [
        this.#budgets,
        this.#pods,
        informers.of(deployments),
        informers.of(replicaSets),
        informers.of(replicationControllers),
        informers.of(statefulSets),
      ],
      reconcile: (key) => this.#reconcile(key),
    })
  }

  start(): void {
    const { informers } = this.#ctx
    this.#budgets.onChange(({ object }) => this.#queue.add(objectKey(object)))
    this.#pods.onChange((change) => this.#podChanged(change))
    // A new size changes what is expected before any pod changes.
    const changed = ({ object }: CacheChange<KubeObject>) => this.#namespaceChanged(object.metadata.namespace)
    informers.of(resources.deployments).onChange(changed)
    informers.of(resources.replicaSets).onChange(changed)
    informers.of(resources.replicationControllers).onChange(changed)
    informers.of(resources.statefulSets).onChange(changed)
  }

  #podChanged(change: CacheChange<Pod>): void {
    const labels = [change.object.metadata.labels]
    if (change.type === 'updated') labels.push(change.old.metadata.labels)
    for (const budget of this.#budgets.list(change.object.metadata.namespace)) {
      const matches = selectorMatcher(budget.spec?.selector)
      if (labels.some((one) => matches(one ?? {}))) this.#queue.add(objectKey(budget))
    }
  }

  #namespaceChanged(namespace: string | undefined): void {
    for (const budget of this.#budgets.list(namespace)) if (needsScale(budget)) this.#queue.add(objectKey(budget))
  }

  async #reconcile(key: string): Promise<void> {
    const budget = this.#budgets.get(key)
    if (!budget) return
    const now = this.#ctx.clock.now()
    const matches = selectorMatcher(budget.spec?.selector)
    const pods = this.#pods.list(budget.metadata.namespace).filter(({ metadata }) => matches(metadata.labels ?? {}))
    if (pods.length === 0) this.#events.event(budget, 'Normal', 'NoPods', 'No matching pods found')
    const total = await this.#expected(budget, pods)
    if (total === undefined) return
    const wanted = wantedPods(budget, pods, total)
    const disrupted = disruptedPods(budget, pods, now)
    for (const pod of disrupted.late) {
      const message = `Pod was expected by PDB ${objectKey(budget)} to be deleted but it wasn't`
      this.#events.event(pod, 'Warning', 'NotDeleted', message)
    }
    await this.#updateStatus(budget, budgetStatus(budget, pods, { wanted, disrupted, now }))
    if (disrupted.recheckMs !== undefined) this.#queue.addAfter(key, disrupted.recheckMs)
  }

  /** Undefined: nobody can tell, and the budget says so. */
  async #expected(budget: PodDisruptionBudget, pods: readonly Pod[]): Promise<number | undefined> {
    if (!needsScale(budget)) return 0
    try {
      const { total, unmanaged } = this.#scale(pods)
      if (unmanaged.length > 0) this.#warnOfUnmanaged(budget)
      return total
    } catch (error) {
      const { message } = error as Error
      const text = `Failed to calculate the number of expected pods: ${message}`
      this.#events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', text)
      await this.#updateStatus(budget, failedStatus(budget, message, this.#ctx.clock.now()))
      return undefined
    }
  }

  #warnOfUnmanaged(budget: PodDisruptionBudget): void {
    const selector = formatLabelSelector(budget.spec?.selector)
    const message = `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`
    this.#events.event(budget, 'Warning', 'UnmanagedPods', message)
  }

  async #updateStatus(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): Promise<void> {
    if (sameJson(budget.status, status)) return
    await tolerateGone(this.#ctx.client.updateStatus(resources.podDisruptionBudgets, { ...budget, status }))
  }
}
