/**
 * The node authorizer (KEP-279, KEP-4601): an agent reads what pods bound to its node refer to, and writes about itself
 * and them. What an object of its own is, where that takes the object, is NodeRestriction's to check.
 */
import { podReferences } from '../../api/core/pod/references.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import type { ServerObjects } from '../cache/objects.ts'
import type { UserInfo } from '../handler.ts'
import type { Attributes, ResourceAttributes } from './attributes.ts'
import type { Decision } from './authorizer.ts'
import { nodeRules } from './bootstrap/node-rules.ts'
import { ruleAllows } from './rules.ts'

const namePrefix = 'system:node:'
const leaseNamespace = 'kube-node-lease'
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** undefined: the user is no node's agent. */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  const isNode = name.startsWith(namePrefix) && groups.includes('system:nodes')
  return isNode ? name.slice(namePrefix.length) : undefined
}

const allowed: Decision = { allowed: true, reason: '' }
const noOpinion = (reason = ''): Decision => ({ allowed: false, reason })

export function authorizeNode(
  objects: ServerObjects,
  node: string,
  attributes: Attributes,
): Decision | Promise<Decision> {
  if (attributes.type === 'path') return byRules(attributes)
  const { group, resource } = attributes
  switch (group ? `${resource}.${group}` : resource) {
    case 'secrets':
    case 'configmaps':
      return readReferred(objects, node, attributes)
    case 'persistentvolumeclaims':
      return attributes.subresource === 'status'
        ? updateClaimStatus(objects, node, attributes)
        : getReferred(objects, node, attributes)
    case 'persistentvolumes':
      return getReferred(objects, node, attributes)
    case 'serviceaccounts':
      return createToken(objects, node, attributes)
    case 'leases.coordination.k8s.io':
      return ownLease(node, attributes)
    case 'csinodes.storage.k8s.io':
      return ownCsiNode(node, attributes)
    case 'nodes':
      return ownNode(node, attributes)
    case 'pods':
      return ownPods(objects, node, attributes)
    default:
      return byRules(attributes)
  }
}

function byRules(attributes: Attributes): Decision {
  return nodeRules.some((rule) => ruleAllows(rule, attributes)) ? allowed : noOpinion()
}

const reads = ['get', 'list', 'watch']

function readReferred(objects: ServerObjects, node: string, attributes: ResourceAttributes) {
  const { verb, subresource, namespace } = attributes
  if (!reads.includes(verb)) return noOpinion('can only read resources of this type')
  if (subresource) return noOpinion('cannot read subresource')
  if (!namespace) return noOpinion('can only read namespaced object of this type')
  return related(objects, node, attributes)
}

function getReferred(objects: ServerObjects, node: string, attributes: ResourceAttributes) {
  if (attributes.verb !== 'get') return noOpinion('can only get individual resources of this type')
  if (attributes.subresource) return noOpinion('cannot get subresource')
  return related(objects, node, attributes)
}

function updateClaimStatus(objects: ServerObjects, node: string, attributes: ResourceAttributes) {
  const ok = attributes.verb === 'update' || attributes.verb === 'patch'
  return ok ? related(objects, node, attributes) : noOpinion('can only get/update/patch this type')
}

function createToken(objects: ServerObjects, node: string, attributes: ResourceAttributes) {
  const { verb, subresource, name } = attributes
  if (verb !== 'create' || !name) return noOpinion('can only create tokens for individual service accounts')
  if (subresource !== 'token') return noOpinion('can only create token subresource of serviceaccount')
  return related(objects, node, attributes)
}

function ownLease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb)) {
    return noOpinion('can only get, create, update, patch, or delete a node lease')
  }
  if (namespace !== leaseNamespace) {
    return noOpinion(`can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`)
  }
  if (verb !== 'create' && name !== node) {
    return noOpinion('can only access node lease with the same name as the requesting node')
  }
  return allowed
}

function ownCsiNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb)) {
    return noOpinion('can only get, create, update, patch, or delete a CSINode')
  }
  if (subresource) return noOpinion('cannot authorize CSINode subresources')
  if (verb !== 'create' && name !== node) {
    return noOpinion('can only access CSINode with the same name as the requesting node')
  }
  return allowed
}

function ownNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  const writes = ['update', 'patch'].includes(verb)
  if (subresource === 'status') return writes ? allowed : noOpinion()
  if (subresource) return noOpinion()
  if (writes || verb === 'create') return allowed
  if (!reads.includes(verb)) return noOpinion()
  if (name === node) return allowed
  return name
    ? noOpinion(`node '${node}' cannot read '${name}', only its own Node object`)
    : noOpinion(`node '${node}' cannot read all nodes, only its own Node object`)
}

function ownPods(objects: ServerObjects, node: string, attributes: ResourceAttributes): Decision | Promise<Decision> {
  const { verb, subresource, name, selected } = attributes
  const isWrite = verb === 'update' || verb === 'patch'
  if (subresource === 'status') return isWrite ? allowed : noOpinion()
  if (subresource === 'eviction') return verb === 'create' ? allowed : noOpinion()
  if (subresource) return noOpinion()
  switch (verb) {
    case 'create':
    case 'delete':
      return allowed
    case 'get':
      return related(objects, node, attributes)
    case 'list':
    case 'watch':
      if (selected.some(({ field, value }) => field === 'spec.nodeName' && value === node)) return allowed
      if (name) return related(objects, node, attributes)
      return noOpinion('can only list/watch pods with spec.nodeName field selector')
    default:
      return noOpinion()
  }
}

/** Whether the object is one that a pod bound to the node leads to. */
async function related(objects: ServerObjects, node: string, attributes: ResourceAttributes): Promise<Decision> {
  if (!attributes.name) return noOpinion('No Object name found')
  const ok = await isRelated(objects, node, attributes)
  return ok ? allowed : noOpinion(`no relationship found between node '${node}' and this object`)
}

async function isRelated(
  objects: ServerObjects,
  node: string,
  { resource, namespace, name }: ResourceAttributes,
): Promise<boolean> {
  if (resource === 'persistentvolumes') return isVolumeOf(objects, node, name)
  // Agents ask for what a pod needs as soon as they see the pod, so memory has it.
  const pods = (await objects.cache(resources.pods)).list(namespace).map((entry): Pod => entry.object)
  return pods.some((pod) => pod.spec?.nodeName === node && leadsTo(pod, resource, name))
}

function leadsTo(pod: Pod, resource: string, name: string): boolean {
  if (resource === 'pods') return pod.metadata.name === name
  // What a mirror pod says came from the node itself.
  if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) return false
  if (resource === 'serviceaccounts') return pod.spec?.serviceAccountName === name
  const { secrets, configMaps, claims } = podReferences(pod)
  const names = resource === 'secrets' ? secrets : resource === 'configmaps' ? configMaps : claims
  return names.has(name)
}

async function isVolumeOf(objects: ServerObjects, node: string, name: string): Promise<boolean> {
  const volume = await objects.find(resources.persistentVolumes, { name })
  const { namespace = '', name: claim = '' } = volume?.spec?.claimRef ?? {}
  if (!claim) return false
  const pods = (await objects.cache(resources.pods)).list(namespace).map((entry): Pod => entry.object)
  return pods.some((pod) => pod.spec?.nodeName === node && leadsTo(pod, 'persistentvolumeclaims', claim))
}
