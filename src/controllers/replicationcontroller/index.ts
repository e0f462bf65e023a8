/**
 * ReplicationController controller: the ReplicaSet engine, on the older kind. They differ in how a selector is written,
 * and in that this one's status does not count terminating pods.
 */
import type { ReplicaSet, ReplicaSetStatus } from '../../api/generated/apps.v1.ts'
import type { ReplicationController, ReplicationControllerStatus } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerContext } from '../context.ts'
import { ReplicaController } from '../replicaset/controller.ts'

export function startReplicationControllerController(ctx: ControllerContext): void {
  new ReplicaController(ctx, {
    resource: resources.replicationControllers,
    component: 'replication-controller',
    asReplicaSet,
    statusOf,
  }).start()
}

/** Objects in caches are never mutated, so each has one view. */
const views = new WeakMap<ReplicationController, ReplicaSet>()

function asReplicaSet(controller: ReplicationController): ReplicaSet {
  let view = views.get(controller)
  if (!view) {
    const { spec, ...rest } = controller
    view = { ...rest, spec: { ...spec, selector: { matchLabels: spec?.selector ?? {} } } }
    views.set(controller, view)
  }
  return view
}

function statusOf(status: ReplicaSetStatus): ReplicationControllerStatus {
  const { terminatingReplicas: _, ...shared } = status
  return shared
}
