/**
 * Deployment controller: one ReplicaSet per pod template, sized so that the change from one template to the next keeps
 * enough pods available. It writes ReplicaSets and the Deployment's status; pods are the ReplicaSet controller's.
 *
 *   deployment + ReplicaSets → revision (which is the current one) → rolling (sizes) → ReplicaSets, status
 */
import type { ControllerContext } from '../context.ts'
import { DeploymentController } from './controller.ts'

export function startDeploymentController(ctx: ControllerContext): void {
  new DeploymentController(ctx).start()
}
