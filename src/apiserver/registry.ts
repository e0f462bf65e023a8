/** The resources this server serves, by group, version and plural, with what each needs on every request precomputed. */
import type { GroupResource } from '../api/machinery/status.ts'
import { apiVersionOf, type ResourceDefinition } from '../api/resource.ts'

/** What names a resource: its definition, or `resources.x` of the client. */
export type ResourceName = Pick<ResourceDefinition, 'group' | 'version' | 'plural'>

export interface ServedResource {
  readonly definition: ResourceDefinition
  readonly apiVersion: string
  /** For messages about a resource: `services`, `deployments.apps`. */
  readonly groupResource: GroupResource
  /** For messages about an object: `Service`, `Deployment.apps` (the kind stands in `resource`, as upstream). */
  readonly groupKind: GroupResource
  /** All stored objects of this resource have keys that start with this; ends with a slash. Versions share it. */
  readonly prefix: string
  /** How every stored object of this resource begins; its resourceVersion is spliced in right after. */
  readonly head: Buffer
}

/** Verbs of a declaration without a list of its own. */
export const allVerbs: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
]

export interface ServedGroupVersion {
  readonly group: string
  readonly version: string
  readonly resources: readonly ServedResource[]
}

export class Registry {
  readonly resources: readonly ServedResource[]
  readonly groupVersions: readonly ServedGroupVersion[]
  readonly #byPath = new Map<string, ServedResource>()

  constructor(definitions: readonly ResourceDefinition[]) {
    this.resources = definitions.map(toServed)
    for (const resource of this.resources) {
      this.#byPath.set(`${resource.apiVersion}/${resource.definition.plural}`, resource)
    }
    this.groupVersions = groupVersionsOf(this.resources)
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#byPath.get(`${apiVersionOf({ group, version })}/${plural}`)
  }

  /** For what the server itself goes by. Throws when it is not declared. */
  served({ group, version, plural }: ResourceName): ServedResource {
    const resource = this.find(group, version, plural)
    if (!resource) throw new Error(`${plural} are not served`)
    return resource
  }

  groupVersion(group: string, version: string): ServedGroupVersion | undefined {
    return this.groupVersions.find((gv) => gv.group === group && gv.version === version)
  }

  supports(resource: ServedResource, verb: string): boolean {
    return (resource.definition.verbs ?? allVerbs).includes(verb)
  }
}

export function storeKey(resource: ServedResource, namespace: string, name: string): string {
  return namespace ? `${resource.prefix}${namespace}/${name}` : `${resource.prefix}${name}`
}

function toServed(definition: ResourceDefinition): ServedResource {
  const { group, kind, plural, storedAs } = definition
  const apiVersion = apiVersionOf(definition)
  const storedGroup = storedAs ? storedAs.group : group
  const start = JSON.stringify({ apiVersion, kind })
  return {
    definition,
    apiVersion,
    groupResource: { group, resource: plural },
    groupKind: { group, resource: kind },
    prefix: `/registry/${storedGroup || 'core'}/${plural}/`,
    head: Buffer.from(`${start.slice(0, -1)},"metadata":{`),
  }
}

function groupVersionsOf(resources: readonly ServedResource[]): ServedGroupVersion[] {
  const found = new Map<string, { group: string; version: string; resources: ServedResource[] }>()
  for (const resource of resources) {
    const { group, version } = resource.definition
    const gv = found.get(resource.apiVersion) ?? { group, version, resources: [] }
    gv.resources.push(resource)
    found.set(resource.apiVersion, gv)
  }
  return [...found.values()].sort((a, b) => rank(a.group) - rank(b.group) || (a.group < b.group ? -1 : 1))
}

/**
 * Clients take a name that several groups have (`events`) from the first of them, and `kubectl get all` shows groups in
 * this order: that of kube-apiserver's own APIServices.
 */
const groupOrder: readonly string[] = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
]

function rank(group: string): number {
  const at = groupOrder.indexOf(group)
  return at < 0 ? groupOrder.length : at
}
