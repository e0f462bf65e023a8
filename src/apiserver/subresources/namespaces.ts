/** namespaces/finalize: changes `spec.finalizers` and nothing else. */
import type { KubeObject } from '../../api/machinery/object.ts'
import type { UpdateStrategy } from '../../api/resource.ts'

interface Finalizable extends KubeObject {
  spec?: { finalizers?: string[] }
  status?: unknown
}

export const finalizeStrategy: UpdateStrategy<KubeObject> = {
  prepareForUpdate(next: Finalizable, old: Finalizable) {
    next.metadata = { ...old.metadata }
    next.status = old.status
  },
}
