/** What an admission plugin is. */
import type { KubeObject } from '../../api/machinery/object.ts'
import { forbiddenError, type StatusError } from '../../api/machinery/status.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'

export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  /** Resource, subresource, namespace, name ('' where the object has no name yet) and user. */
  readonly request: ResourceRequest
  /** What is to be stored: `mutate` may change it. For a delete it is what is there. */
  readonly object: KubeObject
  /** What is there, of an update; never changed. */
  readonly old: KubeObject | undefined
  readonly dryRun: boolean
}

export type AdmissionHook = (context: ServerContext, attributes: AdmissionAttributes) => void | Promise<void>

/** Hooks throw StatusError, as a rule what `refused` makes. */
export interface AdmissionPlugin {
  /** Upstream's name of it. */
  readonly name: string
  /** `pods`, `deployments.apps`, or everything in namespaces; subresources are told by `request.subresource`. */
  readonly resources: readonly string[] | 'namespaced'
  readonly mutate?: AdmissionHook
  readonly validate?: AdmissionHook
}

/** The refusal of a plugin: 403, about the object by the name it has or the prefix it will be named from. */
export function refused(
  { request, object }: Pick<AdmissionAttributes, 'request' | 'object'>,
  why: string,
): StatusError {
  const { name, generateName } = object.metadata
  return forbiddenError(request.resource.groupResource, name || request.name || generateName || '', why)
}
