/** What is served, as plain data: it goes to the process that describes it. */
import { type Subresource, subresources } from '../discovery/subresources.ts'
import { allVerbs, type Registry } from '../registry.ts'
import { returnsDeletedObject } from '../write/delete.ts'

export interface OpenApiResource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** Others than `status` and `scale`. */
  readonly subresources: readonly Subresource[]
  readonly status: boolean
  readonly scale: boolean
  /** A delete answers with the object rather than with a Status. */
  readonly returnsDeleted: boolean
}

/** A pod is also bound by a Binding that names it, posted to a collection of its own. */
const bindings: OpenApiResource = {
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  namespaced: true,
  verbs: ['create'],
  subresources: [],
  status: false,
  scale: false,
  returnsDeleted: false,
}

export function openApiResources(registry: Registry): OpenApiResource[] {
  const served = registry.resources.map(({ definition, prefix }): OpenApiResource => {
    const { group, version, kind, plural, namespaced, verbs = allVerbs, status, scale } = definition
    return {
      group,
      version,
      kind,
      plural,
      namespaced,
      verbs,
      subresources: subresources[`${group}/${plural}`] ?? [],
      status: status !== undefined,
      scale: scale !== undefined,
      returnsDeleted: returnsDeletedObject.has(prefix),
    }
  })
  return [...served, bindings]
}
