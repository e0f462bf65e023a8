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
import { startClusterRoleAggregationController } from './clusterroleaggregation/index.ts'
import { type ControllerClient, type ControllerContext, type ControllerSettings, SharedInformers } from './context.ts'
import { startCronJobController } from './cronjob/index.ts'
import { startDaemonSetController } from './daemonset/index.ts'
import { startDeploymentController } from './deployment/index.ts'
import { startDisruptionController } from './disruption/index.ts'
import { startEndpointsController } from './endpoints/index.ts'
import { startEndpointSliceController } from './endpointslice/index.ts'
import { startEndpointSliceMirroringController } from './endpointslicemirroring/index.ts'
import { startEphemeralVolumeController } from './ephemeralvolume/index.ts'
import { startGarbageCollector } from './garbage/index.ts'
import type { ControllerIdentity } from './identities.ts'
import { startJobController } from './job/index.ts'
import { startKubernetesServiceController } from './kubernetes/index.ts'
import { startNamespaceController, startServiceAccountController, startSystemNamespaces } from './namespace/index.ts'
import { startNodeIpamController } from './node/cidrs.ts'
import { startTaintEvictionController } from './node/eviction.ts'
import { startNodeLifecycleController } from './node/lifecycle.ts'
import {
  type LocalVolumes,
  startClaimProtection,
  startPersistentVolumeController,
  startStandardStorageClass,
  startVolumeProtection,
} from './persistentvolume/index.ts'
import { startPodGarbageCollector } from './podgc/index.ts'
import { type NodePortLedger, startRepairController } from './repair/index.ts'
import { startReplicaSetController } from './replicaset/index.ts'
import { startReplicationControllerController } from './replicationcontroller/index.ts'
import { startResourceQuotaController } from './resourcequota/index.ts'
import { startRootCaPublisher } from './rootca/index.ts'
import { startScheduler } from './scheduler/index.ts'
import { startServiceAdviceController } from './serviceadvice/index.ts'
import { startServiceCidrController } from './servicecidr/index.ts'
import { startStatefulSetController } from './statefulset/index.ts'
import { startSystemClasses } from './systemclasses/index.ts'
import { startTokenController, type TokenSource } from './token/index.ts'
import { startTtlAfterFinishedController } from './ttlafterfinished/index.ts'

export type { ControllerClient, ControllerContext, ControllerSettings } from './context.ts'
export { SharedInformers, startQueue } from './context.ts'
export { type ControllerIdentity, controllerIdentities } from './identities.ts'
export type { LocalVolumes } from './persistentvolume/index.ts'

export interface ControllerOptions {
  /** Of kube-controller-manager: what all controllers read. */
  readonly client: ControllerClient
  /** Each controller writes under an identity of its own; absent: all as `client`. */
  readonly clientOf?: (identity: ControllerIdentity) => ControllerClient
  readonly settings: ControllerSettings
  readonly log: Logger
  readonly clock: Clock
  /** Ends everything. */
  readonly signal: AbortSignal
  /** Resources whose content namespaces and owners are cleaned of; default: all the client knows. */
  readonly resources?: readonly Resource<KubeObject>[]
  /** PEM of the authority that pods know the API server by; without it nobody tells them. */
  readonly rootCa?: string
  /** Signs tokens for Secrets that ask for one; without it (or the authority) they stay empty. */
  readonly signToken?: TokenSource['sign']
  /** Directories for claims; with them there is a default StorageClass. */
  readonly localVolumes?: LocalVolumes
  /** The server's claims on node ports, where it runs in the same process; without it they are not audited. */
  readonly nodePorts?: NodePortLedger
}

export interface Controllers {
  /** Rejects while they do not work, with why. They share what they read: the scheduler and all others are one. */
  readonly health: () => Promise<void>
}

/** Starts all controllers; returns at once. They work as soon as the server answers. */
export function startControllers(options: ControllerOptions): Controllers {
  const { client, clientOf = () => client, settings, log, clock, signal, rootCa, signToken } = options
  const all = options.resources ?? Object.values(resources)
  const informers = new SharedInformers({ client, log })
  const as = (identity: ControllerIdentity): ControllerContext => {
    const own = clientOf(identity)
    const events = (component: string) => new EventRecorder({ client: own, component, clock, log })
    return { client: own, informers, settings, log, clock, signal, events }
  }
  startDeploymentController(as('deployment-controller'))
  startReplicaSetController(as('replicaset-controller'))
  startReplicationControllerController(as('replication-controller'))
  startDaemonSetController(as('daemon-set-controller'))
  startStatefulSetController(as('statefulset-controller'))
  startJobController(as('job-controller'))
  startCronJobController(as('cronjob-controller'))
  startTtlAfterFinishedController(as('ttl-after-finished-controller'))
  startDisruptionController(as('disruption-controller'))
  startEphemeralVolumeController(as('ephemeral-volume-controller'))
  startPersistentVolumeController(as('persistent-volume-binder'), options.localVolumes)
  startClaimProtection(as('pvc-protection-controller'))
  startVolumeProtection(as('pv-protection-controller'))
  if (options.localVolumes) startStandardStorageClass(as('apiserver'))
  startScheduler(as('kube-scheduler'))
  startEndpointsController(as('endpoint-controller'))
  startEndpointSliceController(as('endpointslice-controller'))
  startEndpointSliceMirroringController(as('endpointslicemirroring-controller'))
  startServiceAdviceController(as('service-advice-controller'))
  startKubernetesServiceController(as('apiserver'))
  startServiceCidrController(as('service-cidrs-controller'))
  startRepairController(as('apiserver'), options.nodePorts)
  startNodeIpamController(as('node-controller'))
  startNodeLifecycleController(as('node-controller'))
  startTaintEvictionController(as('node-controller'))
  startPodGarbageCollector(as('pod-garbage-collector'))
  startSystemNamespaces(as('apiserver'))
  startSystemClasses(as('apiserver'))
  startClusterRoleAggregationController(as('clusterrole-aggregation-controller'))
  startServiceAccountController(as('service-account-controller'))
  if (rootCa) startRootCaPublisher(as('root-ca-cert-publisher'), rootCa)
  if (rootCa && signToken) startTokenController(as('token-controller'), { rootCa, sign: signToken })
  // These two read metadata of every resource, and share whole objects only where somebody else keeps them anyway.
  startResourceQuotaController(as('resourcequota-controller'), all)
  startNamespaceController(as('namespace-controller'), all)
  startGarbageCollector(as('generic-garbage-collector'), all)
  informers.start(signal)
  return {
    health: async () => {
      const missing = informers.unsynced()
      if (signal.aborted) throw new Error('stopped')
      if (missing.length > 0) throw new Error(`not read yet: ${missing.join(', ')}`)
    },
  }
}
