/** The answer to a write of an object that is not valid. */
import type { FieldError } from '../../api/machinery/field.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { invalidError } from '../../api/machinery/status.ts'
import type { ServerContext } from '../context.ts'
import type { ServedResource } from '../registry.ts'

/**
 * Throws what is wrong with `next`. Upstream allocates before it validates (BeginCreate, BeginUpdate); so where something
 * asked for cannot be had, that is all there is to say.
 */
export async function refuse(
  context: ServerContext,
  resource: ServedResource,
  { next, old, errors }: { next: KubeObject; old: KubeObject | undefined; errors: FieldError[] },
): Promise<never> {
  await context.allocators.get(resource.prefix)?.plan(next, old)
  throw invalidError(resource.groupKind, next.metadata.name, errors)
}
