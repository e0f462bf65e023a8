/** What must be there, and be the same, for a token to count. Pure. */
import type { Secret } from '../../api/generated/v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import type { Resource } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import type { Claims, ObjectRef } from './claims.ts'

export interface Bound {
  readonly kind: 'serviceaccount' | 'pod' | 'secret' | 'node'
  readonly resource: Resource<KubeObject>
  readonly at: { readonly namespace?: string; readonly name: string }
  readonly ref: ObjectRef
  readonly isSame: (object: KubeObject) => boolean
}

/** A pod's node is told in its token too, but the pod is what counts. A legacy `token` must stand in its secret. */
export function boundObjects({ 'kubernetes.io': claims }: Claims, token?: string): Bound[] {
  const { namespace, serviceaccount, pod, secret, node } = claims
  const bound = (kind: Bound['kind'], resource: Resource<KubeObject>, ref: ObjectRef | undefined): Bound[] => {
    if (!ref) return []
    const at = { name: ref.name, ...(kind !== 'node' && { namespace }) }
    const isSame = ({ metadata }: KubeObject) => metadata.uid === ref.uid
    return [{ kind, resource, ref, at, isSame: kind === 'secret' && token ? (object) => holds(object, token) : isSame }]
  }
  return [
    ...bound('serviceaccount', resources.serviceAccounts, serviceaccount),
    ...bound('pod', resources.pods, pod),
    ...bound('secret', resources.secrets, secret),
    ...bound('node', resources.nodes, pod ? undefined : node),
  ]
}

function holds({ data }: KubeObject & Secret, token: string): boolean {
  return Buffer.from(data?.['token'] ?? '', 'base64').toString() === token
}
