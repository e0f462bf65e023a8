/** ReplicaSet controller: the engine, on its own kind. */
import { resources } from '../../client/resources.ts'
import type { ControllerContext } from '../context.ts'
import { ReplicaController } from './controller.ts'

export function startReplicaSetController(ctx: ControllerContext): void {
  new ReplicaController(ctx, {
    resource: resources.replicaSets,
    component: 'replicaset-controller',
    asReplicaSet: (replicaSet) => replicaSet,
    statusOf: (status) => status,
  }).start()
}
