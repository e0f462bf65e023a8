/**
 * What server-side apply knows of types (`+listType`, `+listMapKey`, `+mapType`, `+structType` in the API). Lists follow
 * their strategic merge key unless these tables say otherwise.
 */
import type { FieldSchema, TypeSchema } from './schema.ts'

export type ListType =
  | { readonly type: 'atomic' }
  /** Scalars, each of which is there once. */
  | { readonly type: 'set' }
  | { readonly type: 'map'; readonly keys: readonly string[] }

const atomicStructs: ReadonlySet<string> = new Set([
  'meta/v1.LabelSelector',
  'networking.k8s.io/v1.ServiceBackendPort',
  'rbac.authorization.k8s.io/v1.RoleRef',
  'rbac.authorization.k8s.io/v1.Subject',
  'v1.ConfigMapKeySelector',
  'v1.EndpointAddress',
  'v1.EndpointPort',
  'v1.FileKeySelector',
  'v1.LocalObjectReference',
  'v1.NodeSelector',
  'v1.NodeSelectorTerm',
  'v1.ObjectFieldSelector',
  'v1.ObjectReference',
  'v1.ResourceFieldSelector',
  'v1.ScopeSelector',
  'v1.ScopedResourceSelectorRequirement',
  'v1.SecretKeySelector',
  'v1.SecretReference',
  'v1.TopologySelectorTerm',
  'v1.TypedLocalObjectReference',
])

const atomicMaps: ReadonlySet<string> = new Set([
  'node.k8s.io/v1.Scheduling.nodeSelector',
  'v1.PodSpec.nodeSelector',
  'v1.ReplicationControllerSpec.selector',
  'v1.ServiceSpec.selector',
])

const atomic: ListType = { type: 'atomic' }
const set: ListType = { type: 'set' }

const listTypes: Readonly<Record<string, ListType>> = {
  'batch/v1.JobStatus.conditions': atomic,
  'batch/v1.PodFailurePolicyOnExitCodesRequirement.values': set,
  'batch/v1.UncountedTerminatedPods.failed': set,
  'batch/v1.UncountedTerminatedPods.succeeded': set,
  'discovery.k8s.io/v1.Endpoint.addresses': set,
  'v1.Container.ports': { type: 'map', keys: ['containerPort', 'protocol'] },
  'v1.EphemeralContainer.ports': { type: 'map', keys: ['containerPort', 'protocol'] },
  'v1.PodSpec.topologySpreadConstraints': { type: 'map', keys: ['topologyKey', 'whenUnsatisfiable'] },
  'v1.PodStatus.hostIPs': atomic,
  'v1.ResourceRequirements.claims': { type: 'map', keys: ['name'] },
  'v1.ServiceAccount.imagePullSecrets': atomic,
  'v1.ServiceSpec.ports': { type: 'map', keys: ['port', 'protocol'] },
}

export function listTypeOf(owner: TypeSchema, field: FieldSchema): ListType {
  const known = listTypes[`${owner.groupVersion}.${owner.name}.${field.name}`]
  if (known) return known
  if (field.mergeSet) return set
  return field.mergeKey ? { type: 'map', keys: [field.mergeKey] } : atomic
}

/** Owned as a whole wherever it occurs. */
export function isAtomicStruct({ groupVersion, name }: TypeSchema): boolean {
  return atomicStructs.has(`${groupVersion}.${name}`)
}

export function isAtomicMap(owner: TypeSchema, field: FieldSchema): boolean {
  return atomicMaps.has(`${owner.groupVersion}.${owner.name}.${field.name}`)
}
