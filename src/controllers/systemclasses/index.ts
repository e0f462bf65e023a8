/** The system's PriorityClasses, and the RuntimeClass of the runtime that is always there: every cluster has them. */
import type { RuntimeClass } from '../../api/generated/node.k8s.io.v1.ts'
import { systemPriorityClasses } from '../../api/scheduling/priorityclass.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { createIfAbsent } from '../kubernetes/index.ts'

/** As agents name the runtime that runs programs of the host. */
const processRuntime: RuntimeClass = { metadata: { name: 'process' }, handler: 'process' }

export function startSystemClasses(ctx: ControllerContext): void {
  const priorities = ctx.informers.of(resources.priorityClasses)
  const runtimes = ctx.informers.of(resources.runtimeClasses)
  const queue = startQueue(ctx, {
    name: 'system-classes',
    after: [priorities, runtimes],
    async reconcile(name) {
      const priority = systemPriorityClasses.find(({ metadata }) => metadata.name === name)
      if (priority && !priorities.get(name)) await createIfAbsent(ctx, resources.priorityClasses, priority)
      if (name === processRuntime.metadata.name && !runtimes.get(name)) {
        await createIfAbsent(ctx, resources.runtimeClasses, processRuntime)
      }
    },
  })
  for (const { metadata } of [...systemPriorityClasses, processRuntime]) queue.add(metadata.name)
}
