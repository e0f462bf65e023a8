/** What namespaces ask of writes in and of them (upstream's NamespaceLifecycle admission). */
import type { KubeObject } from '../../api/machinery/object.ts'
import { forbiddenError, notFoundError } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import type { ServerContext } from '../context.ts'
import type { ServedResource } from '../registry.ts'

const immortal = ['default', 'kube-system', 'kube-public']

function isNamespace(resource: ServedResource): boolean {
  return resource.definition.group === '' && resource.definition.plural === 'namespaces'
}

/** Nothing is created in a namespace that is not there or is going away. */
export async function requireLiveNamespace(
  context: ServerContext,
  resource: ServedResource,
  { namespace, name }: { namespace: string; name: string },
): Promise<void> {
  if (!resource.definition.namespaced) return
  const namespaces = context.registry.served(resources.namespaces)
  const cache = await context.feed.cache(namespaces)
  if (!cache.get('', namespace)) await context.feed.current()
  const found = cache.get('', namespace)
  if (!found) throw notFoundError(namespaces.groupResource, namespace)
  if (!found.object.metadata.deletionTimestamp) return
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  const error = forbiddenError(resource.groupResource, name, why)
  error.status.details ??= {}
  error.status.details.causes = [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ]
  throw error
}

export function requireMortal(resource: ServedResource, name: string): void {
  if (isNamespace(resource) && immortal.includes(name)) {
    throw forbiddenError(resource.groupResource, name, 'this namespace may not be deleted')
  }
}

/** A namespace's own finalizers are in its spec. */
export function namespaceFinalizers(object: KubeObject): readonly string[] {
  const { spec } = object as KubeObject & { spec?: { finalizers?: string[] } }
  return spec?.finalizers ?? []
}
