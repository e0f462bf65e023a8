/**
 * A small operator as people write them, over the published JavaScript client alone. A ConfigMap with the label
 * `site=true` is a site: the operator keeps a Deployment and a Service for it, undoes what others change in them, tells
 * the site how far it is, and cleans up behind it. Several run; the holder of a Lease works.
 */
import {
  ApiException,
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  type Informer,
  type KubeConfig,
  type KubernetesObject,
  makeInformer,
  type ObjectCache,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Deployment,
  V1MicroTime,
} from '@kubernetes/client-node'

const namespace = 'default'
const finalizer = 'example.com/site'
const manager = 'site-operator'
const lease = 'site-operator'
const leaseSeconds = 1
/** Informers begin again, and failures are tried again, after this time. */
const retryMs = 20

const asApply = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply)
const asJsonPatch = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch)

type Watched<T extends KubernetesObject> = Informer<T> & ObjectCache<T>

export class SiteOperator {
  readonly #identity: string
  readonly #core: CoreV1Api
  readonly #apps: AppsV1Api
  readonly #coordination: CoordinationV1Api
  readonly #sites: Watched<V1ConfigMap>
  readonly #deployments: Watched<V1Deployment>
  readonly #queue = new Set<string>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #working: Promise<void> | undefined
  #leading = false
  #stopped = false

  constructor(config: KubeConfig, identity: string) {
    this.#identity = identity
    this.#core = config.makeApiClient(CoreV1Api)
    this.#apps = config.makeApiClient(AppsV1Api)
    this.#coordination = config.makeApiClient(CoordinationV1Api)
    const labelSelector = 'site=true'
    const listSites = () => this.#core.listNamespacedConfigMap({ namespace, labelSelector })
    const listDeployments = () => this.#apps.listNamespacedDeployment({ namespace, labelSelector })
    this.#sites = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, listSites, labelSelector)
    const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`
    this.#deployments = makeInformer(config, deployments, listDeployments, labelSelector)
  }

  get isLeading(): boolean {
    return this.#leading
  }

  async start(): Promise<void> {
    for (const informer of [this.#sites, this.#deployments] as Watched<KubernetesObject>[]) {
      for (const verb of ['add', 'update', 'delete'] as const) {
        informer.on(verb, ({ metadata }) => this.#enqueue(metadata?.name ?? ''))
      }
      informer.on('error', () => this.#later(() => void informer.start()))
      await informer.start()
    }
    await this.#lead()
  }

  /** As a process that dies: what it holds is not given back. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#sites.stop()
    await this.#deployments.stop()
    await this.#working
  }

  #later(fn: () => void, ms = retryMs): void {
    if (this.#stopped) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      fn()
    }, ms)
    this.#timers.add(timer)
  }

  async #lead(): Promise<void> {
    const before = this.#leading
    this.#leading = await this.#holdsLease()
    if (this.#leading && !before) for (const { metadata } of this.#sites.list()) this.#enqueue(metadata?.name ?? '')
    this.#later(() => void this.#lead(), (leaseSeconds * 1000) / 5)
  }

  async #holdsLease(): Promise<boolean> {
    const spec = { holderIdentity: this.#identity, leaseDurationSeconds: leaseSeconds, renewTime: new V1MicroTime() }
    try {
      const { metadata = {}, spec: held } = await this.#coordination.readNamespacedLease({ name: lease, namespace })
      const { holderIdentity, renewTime } = held ?? {}
      const isOurs = holderIdentity === this.#identity
      // The client gives it as text, whatever its types say.
      const age = Date.now() - new Date(renewTime ?? 0).getTime()
      if (!isOurs && age < leaseSeconds * 1000) return false
      await this.#coordination.replaceNamespacedLease({ name: lease, namespace, body: { metadata, spec } })
      return true
    } catch (error) {
      // Somebody else was faster.
      if (hasCode(error, 409)) return false
      if (!hasCode(error, 404)) return this.#leading
      return this.#coordination.createNamespacedLease({ namespace, body: { metadata: { name: lease }, spec } }).then(
        () => true,
        () => false,
      )
    }
  }

  #enqueue(name: string): void {
    this.#queue.add(name)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  async #work(): Promise<void> {
    for (const name of this.#queue) {
      this.#queue.delete(name)
      if (!this.#leading || this.#stopped) continue
      try {
        await this.#reconcile(name)
      } catch {
        this.#later(() => this.#enqueue(name))
      }
    }
  }

  async #reconcile(name: string): Promise<void> {
    const site = this.#sites.get(name, namespace)
    if (!site) return
    if (site.metadata?.deletionTimestamp) return this.#cleanUp(site)
    if (!site.metadata?.finalizers?.includes(finalizer)) await this.#claim(site)
    const image = site.data?.['image'] ?? 'nginx'
    const metadata = { name, namespace, labels: { site: 'true' }, ownerReferences: [ownerOf(site)] }
    const selector = { matchLabels: { site: name } }
    const template = { metadata: { labels: { site: name } }, spec: { containers: [{ name: 'web', image }] } }
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector, template } }
    const ports = [{ name: 'http', port: 80 }]
    const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: selector.matchLabels, ports } }
    const applied = { name, namespace, fieldManager: manager, force: true }
    await this.#apps.patchNamespacedDeployment({ ...applied, body: deployment }, asApply)
    await this.#core.patchNamespacedService({ ...applied, body: service }, asApply)
    await this.#tell(name)
  }

  /** Only if nobody changed the finalizers since they were read. */
  async #claim({ metadata }: V1ConfigMap): Promise<void> {
    const { name = '', finalizers = [], resourceVersion } = metadata ?? {}
    const body = [
      { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
      { op: 'add', path: '/metadata/finalizers', value: [...finalizers, finalizer] },
    ]
    await this.#core.patchNamespacedConfigMap({ name, namespace, body }, asJsonPatch)
  }

  /** An annotation of its own, applied without the rest of the site. */
  async #tell(name: string): Promise<void> {
    const ready = this.#deployments.get(name, namespace)?.status?.readyReplicas ?? 0
    const metadata = { name, annotations: { 'example.com/ready': String(ready) } }
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata }
    await this.#core.patchNamespacedConfigMap({ name, namespace, body, fieldManager: `${manager}-status` }, asApply)
  }

  async #cleanUp({ metadata }: V1ConfigMap): Promise<void> {
    const { name = '', finalizers = [] } = metadata ?? {}
    const at = finalizers.indexOf(finalizer)
    if (at < 0) return
    await ignoring(404, this.#apps.deleteNamespacedDeployment({ name, namespace }))
    await ignoring(404, this.#core.deleteNamespacedService({ name, namespace }))
    const path = `/metadata/finalizers/${at}`
    const body = [
      { op: 'test', path, value: finalizer },
      { op: 'remove', path },
    ]
    await ignoring(404, this.#core.patchNamespacedConfigMap({ name, namespace, body }, asJsonPatch))
  }
}

function ownerOf({ metadata }: V1ConfigMap) {
  return { apiVersion: 'v1', kind: 'ConfigMap', name: metadata?.name ?? '', uid: metadata?.uid ?? '', controller: true }
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code
}

async function ignoring(code: number, call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!hasCode(error, code)) throw error
  }
}
