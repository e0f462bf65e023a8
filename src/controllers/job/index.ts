/** Job controller: pods until enough of them have succeeded, or too many have failed. */
import type { ControllerContext } from '../context.ts'
import { JobController } from './controller.ts'
import { startOrphanRelease } from './orphans.ts'

export function startJobController(ctx: ControllerContext): void {
  new JobController(ctx).start()
  startOrphanRelease(ctx)
}
