/**
 * NodeRestriction: an agent writes about its own node and its own pods. What it may write at all is the node
 * authorizer's; here is what takes the object to tell (KEP-279).
 */

import { sameValue } from '../../api/common/strategy.ts'
import { podReferences } from '../../api/core/pod/references.ts'
import type { TokenRequest } from '../../api/generated/authentication.k8s.io.v1.ts'
import type { Node, Pod } from '../../api/generated/v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { notFoundError } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import { nodeNameOf } from '../authorization/node.ts'
import type { ServerContext } from '../context.ts'
import { forbiddenNodeLabels } from './node-labels.ts'
import { type AdmissionAttributes, type AdmissionPlugin, refused } from './plugin.ts'

const mirrorAnnotation = 'kubernetes.io/config.mirror'
const leaseNamespace = 'kube-node-lease'

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  resources: [
    'pods',
    'nodes',
    'persistentvolumeclaims',
    'serviceaccounts',
    'leases.coordination.k8s.io',
    'csinodes.storage.k8s.io',
  ],
  validate(context, attributes) {
    const node = nodeNameOf(attributes.request.user)
    if (node !== undefined) return restrict(context, attributes, node)
  },
}

async function restrict(context: ServerContext, attributes: AdmissionAttributes, node: string): Promise<void> {
  const { resource, subresource } = attributes.request
  switch (resource.definition.plural) {
    case 'pods':
      return restrictPod(context, attributes, node)
    case 'nodes':
      return restrictNode(attributes, node)
    case 'persistentvolumeclaims':
      return restrictClaim(attributes, node)
    case 'serviceaccounts':
      return subresource === 'token' ? restrictToken(context, attributes, node) : undefined
    case 'leases':
      return restrictLease(attributes, node)
    default:
      if (nameOf(attributes) !== node) {
        throw refused(attributes, 'can only access CSINode with the same name as the requesting node')
      }
  }
}

function nameOf({ request, object }: AdmissionAttributes): string {
  return request.name || object.metadata.name
}

async function restrictPod(context: ServerContext, attributes: AdmissionAttributes, node: string): Promise<void> {
  const { operation, request, object } = attributes
  const q = JSON.stringify(node)
  const pod: Pod = object
  switch (request.subresource) {
    case 'status':
      return restrictPodStatus(attributes, node)
    case 'eviction':
      if (pod.spec?.nodeName === node) return
      throw refused(attributes, `node ${node} can only evict pods with spec.nodeName set to itself`)
    case '':
      break
    default: {
      const what = JSON.stringify(request.subresource)
      throw refused(attributes, `unexpected pod subresource ${what}, only 'status' and 'eviction' are allowed`)
    }
  }
  if (operation === 'CREATE') return restrictMirrorPod(context, attributes, node)
  if (operation === 'UPDATE') {
    throw refused(attributes, `unexpected operation "UPDATE", node ${q} can only create and delete mirror pods`)
  }
  if (pod.spec?.nodeName !== node) {
    throw refused(attributes, `node ${q} can only delete pods with spec.nodeName set to itself`)
  }
}

function restrictPodStatus(attributes: AdmissionAttributes, node: string): void {
  const { old, object } = attributes
  const q = JSON.stringify(node)
  const before: Pod | undefined = old
  if (before?.spec?.nodeName !== node) {
    throw refused(attributes, `node ${q} can only update pod status for pods with spec.nodeName set to itself`)
  }
  if (!sameValue(before.metadata.labels ?? {}, object.metadata.labels ?? {})) {
    throw refused(attributes, `node ${q} cannot update labels through pod status`)
  }
}

/** Such a pod stands for one that the node runs by itself: it is the node's own, and refers to nothing. */
async function restrictMirrorPod(context: ServerContext, attributes: AdmissionAttributes, node: string): Promise<void> {
  const { metadata, spec }: Pod = attributes.object
  const q = JSON.stringify(node)
  if (metadata.annotations?.[mirrorAnnotation] === undefined) {
    const why = `pod does not have ${JSON.stringify(mirrorAnnotation)} annotation, node ${q} can only create mirror pods`
    throw refused(attributes, why)
  }
  if (spec?.nodeName !== node)
    throw refused(attributes, `node ${q} can only create pods with spec.nodeName set to itself`)
  await requireOwnedByNode(context, attributes, node)
  const { secrets, configMaps, claims } = podReferences({ metadata, spec })
  const refers = (what: string) => refused(attributes, `node ${q} can not create pods that reference ${what}`)
  if (spec.serviceAccountName) throw refers('a service account')
  if (secrets.size > 0) throw refers('secrets')
  if (configMaps.size > 0) throw refers('configmaps')
  if (claims.size > 0) throw refers('persistentvolumeclaims')
}

async function requireOwnedByNode(
  context: ServerContext,
  attributes: AdmissionAttributes,
  node: string,
): Promise<void> {
  const [owner, ...more] = attributes.object.metadata.ownerReferences ?? []
  const only = (why: string) => refused(attributes, `node ${JSON.stringify(node)} ${why}`)
  if (more.length > 0) throw only('can only create pods with a single owner reference set to itself')
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    throw only('can only create pods with an owner reference set to itself')
  }
  if (!owner.controller) throw only('can only create pods with a controller owner reference set to itself')
  if (owner.blockOwnerDeletion) throw only('must not set blockOwnerDeletion on an owner reference')
  const found = await context.objects.find(resources.nodes, { name: node })
  if (!found) throw notFoundError({ group: '', resource: 'nodes' }, node)
  const { uid } = found.metadata
  if (owner.uid !== uid) throw refused(attributes, `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`)
}

function restrictNode(attributes: AdmissionAttributes, node: string): void {
  const { operation, object, old } = attributes
  const q = JSON.stringify(node)
  const name = nameOf(attributes)
  if (name !== node) throw refused(attributes, `node ${q} is not allowed to modify node ${JSON.stringify(name)}`)
  if (operation === 'DELETE') return
  const next: Node = object
  const before: Node | undefined = old
  if (operation === 'UPDATE' && !sameValue(next.spec?.taints, before?.spec?.taints)) {
    throw refused(attributes, `node ${q} is not allowed to modify taints`)
  }
  const labels = forbiddenNodeLabels(next.metadata.labels, before?.metadata.labels)
  if (labels.length === 0) return
  const list = labels.join(', ')
  throw refused(
    attributes,
    operation === 'CREATE'
      ? `node ${q} is not allowed to set the following labels: ${list}`
      : `is not allowed to modify labels: ${list}`,
  )
}

function restrictClaim(attributes: AdmissionAttributes, node: string): void {
  const { request, object, old } = attributes
  if (request.subresource !== 'status') throw refused(attributes, 'may only update PVC status')
  const rest = ({ metadata, ...claim }: KubeObject) => {
    const { resourceVersion: _, managedFields: __, ...kept } = metadata
    return { ...claim, metadata: kept, status: undefined }
  }
  if (old && sameValue(rest(object), rest(old))) return
  const why = `node ${JSON.stringify(node)} is not allowed to update fields other than status.capacity and status.conditions`
  throw refused(attributes, why)
}

async function restrictToken(context: ServerContext, attributes: AdmissionAttributes, node: string): Promise<void> {
  const request: TokenRequest = attributes.object
  const ref = request.spec?.boundObjectRef
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) {
    throw refused(attributes, 'node requested token not bound to a pod')
  }
  if (!ref.uid) throw refused(attributes, 'node requested token with a pod binding without a uid')
  const { namespace } = attributes.request
  const pod = await context.objects.find(resources.pods, { namespace, name: ref.name })
  if (!pod) throw notFoundError({ group: '', resource: 'pods' }, ref.name)
  if (pod.metadata.uid !== ref.uid) {
    const why = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw refused(attributes, why)
  }
  if (pod.spec?.nodeName !== node) {
    throw refused(attributes, 'node requested token bound to a pod scheduled on a different node')
  }
}

function restrictLease(attributes: AdmissionAttributes, node: string): void {
  if (attributes.request.namespace !== leaseNamespace) {
    throw refused(attributes, `can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`)
  }
  if (nameOf(attributes) !== node) {
    throw refused(attributes, 'can only access node lease with the same name as the requesting node')
  }
}
