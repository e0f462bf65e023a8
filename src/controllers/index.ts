/**
 * controllers: each makes one part of the world true, from objects to objects. They meet only through the API and know
 * nothing of the server behind it: the client they are given may be in process or on another machine.
 *
 *   events → informers (one per resource, shared) → a queue per controller → reconcile → writes
 */
import type { KubeObject } from '../api/machinery/object.ts'
import type { Resource } from '../client/contract.ts'
import { EventRecorder } from '../client/events.ts'
import { resources } from '../client/resources.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { type ControllerClient, type ControllerContext, type ControllerSettings, SharedInformers } from './context.ts'
import { startCronJobController } from './cronjob/index.ts'
import { startDaemonSetController } from './daemonset/index.ts'
import { startDeploymentController } from './deployment/index.ts'
import { startEndpointsController } from './endpoints/index.ts'
import { startEndpointSliceController } from './endpointslice/index.ts'
import { startEndpointSliceMirroringController } from './endpointslicemirroring/index.ts'
import { startGarbageCollector } from './garbage/index.ts'
import { startJobController } from './job/index.ts'
import { startKubernetesServiceController } from './kubernetes/index.ts'
import { startNamespaceController } from './namespace/index.ts'
import { startNodeIpamController } from './node/cidrs.ts'
import { startTaintEvictionController } from './node/eviction.ts'
import { startNodeLifecycleController } from './node/lifecycle.ts'
import { startPodGarbageCollector } from './podgc/index.ts'
import { type NodePortLedger, startRepairController } from './repair/index.ts'
import { startReplicaSetController } from './replicaset/index.ts'
import { startReplicationControllerController } from './replicationcontroller/index.ts'
import { startScheduler } from './scheduler/index.ts'
import { startServiceAdviceController } from './serviceadvice/index.ts'
import { startServiceCidrController } from './servicecidr/index.ts'
import { startStatefulSetController } from './statefulset/index.ts'
import { startTtlAfterFinishedController } from './ttlafterfinished/index.ts'

export type { ControllerClient, ControllerContext, ControllerSettings } from './context.ts'
export { SharedInformers, startQueue } from './context.ts'

export interface ControllerOptions {
  readonly client: ControllerClient
  readonly settings: ControllerSettings
  readonly log: Logger
  readonly clock: Clock
  /** Ends everything. */
  readonly signal: AbortSignal
  /** Resources whose content namespaces and owners are cleaned of; default: all the client knows. */
  readonly resources?: readonly Resource<KubeObject>[]
  /** The server's claims on node ports, where it runs in the same process; without it they are not audited. */
  readonly nodePorts?: NodePortLedger
}

/** Starts all controllers; returns at once. They work as soon as the server answers. */
export function startControllers(options: ControllerOptions): void {
  const { client, log, clock, signal } = options
  const all = options.resources ?? Object.values(resources)
  const informers = new SharedInformers({ client, log })
  const events = (component: string) => new EventRecorder({ client, component, clock, log })
  const ctx: ControllerContext = { client, informers, settings: options.settings, log, clock, signal, events }
  startDeploymentController(ctx)
  startReplicaSetController(ctx)
  startReplicationControllerController(ctx)
  startDaemonSetController(ctx)
  startStatefulSetController(ctx)
  startJobController(ctx)
  startCronJobController(ctx)
  startTtlAfterFinishedController(ctx)
  startScheduler(ctx)
  startEndpointsController(ctx)
  startEndpointSliceController(ctx)
  startEndpointSliceMirroringController(ctx)
  startServiceAdviceController(ctx)
  startKubernetesServiceController(ctx)
  startServiceCidrController(ctx)
  startRepairController(ctx, options.nodePorts)
  startNodeIpamController(ctx)
  startNodeLifecycleController(ctx)
  startTaintEvictionController(ctx)
  startPodGarbageCollector(ctx)
  // These two read metadata of every resource, and share whole objects only where somebody else keeps them anyway.
  startNamespaceController(ctx, all)
  startGarbageCollector(ctx, all)
  informers.start(signal)
}
