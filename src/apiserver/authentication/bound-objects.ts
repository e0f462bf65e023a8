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
  /** Of a token in a secret. */
  readonly isLegacy: boolean
}

/** A pod's node is told in its token too, but the pod is what counts. A legacy `token` must stand in its secret. */
export function boundObjects({ 'kubernetes.io': claims }: Claims, token?: string): Bound[] {
  const { namespace, serviceaccount, pod, secret, node } = claims
  const bound = (kind: Bound['kind'], resource: Resource<KubeObject>, ref: ObjectRef | undefined): Bound[] => {
    if (!ref) return []
    const at = { name: ref.name, ...(kind !== 'node' && { namespace }) }
    const isSame = ({ metadata }: KubeObject) => metadata.uid === ref.uid
    const isLegacy = token !== undefined
    return [
      { kind, resource, ref, at, isLegacy, isSame: kind === 'secret' && isLegacy ? (o) => holds(o, token) : isSame },
    ]
  }
  // Of several that fail it is the first whose failure is told.
  if (token !== undefined) {
    return [
      ...bound('secret', resources.secrets, secret),
      ...bound('serviceaccount', resources.serviceAccounts, serviceaccount),
    ]
  }
  return [
    ...bound('serviceaccount', resources.serviceAccounts, serviceaccount),
    ...bound('pod', resources.pods, pod),
    ...bound('secret', resources.secrets, secret),
    ...bound('node', resources.nodes, pod ? undefined : node),
  ]
}

/** Why a token does not count whose object is not what it should be, in upstream's words. */
export function refusal({ kind, isLegacy, at, ref, isSame }: Bound, object: KubeObject | undefined): string {
  const invalidated = isLegacy ? 'Token has been invalidated' : 'service account token has been invalidated'
  if (!object) return kind === 'serviceaccount' ? `serviceaccounts ${JSON.stringify(at.name)} not found` : invalidated
  const isAccount = kind === 'serviceaccount'
  if (isSame(object)) {
    if (!isAccount) return invalidated
    return `${isLegacy ? 'ServiceAccount' : 'service account'} ${at.namespace}/${at.name} has been deleted`
  }
  if (isLegacy && !isAccount) return "Token does not match server's copy"
  const { uid } = object.metadata
  if (!isAccount) return `${kind} UID (${uid}) does not match service account ${kind} ref claim (${ref.uid})`
  return `${isLegacy ? 'ServiceAccount' : 'service account'} UID (${uid}) does not match claim (${ref.uid})`
}

function holds({ data }: KubeObject & Secret, token: string): boolean {
  return Buffer.from(data?.['token'] ?? '', 'base64').toString() === token
}
