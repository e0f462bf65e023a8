/**
 * How values of each type merge: field by field, item by item, or only as a whole. Lists follow their strategic merge
 * key unless the API says otherwise (`+listType`, `+listMapKey`, `+mapType`, `+structType`), which the tables tell.
 */
import type { FieldSchema, TypeRef, TypeSchema } from '../machinery/schema.ts'

export type Topology =
  /** Scalars, and what has one owner as a whole. */
  | { readonly kind: 'whole' }
  /** A struct, or a map whose entries have owners of their own. `declared`: the name is the type's, not the user's. */
  | { readonly kind: 'fields'; readonly field: (name: string) => { topology: Topology; declared: boolean } | undefined }
  | { readonly kind: 'keyed'; readonly keys: readonly string[]; readonly item: Topology }
  /** A list of scalars, each of which is there once. */
  | { readonly kind: 'set' }

const whole: Topology = { kind: 'whole' }

/** Structs that are owned as a whole wherever they occur. */
const wholeStructs: ReadonlySet<string> = new Set([
  'meta/v1.LabelSelector',
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
  'networking.k8s.io/v1.ServiceBackendPort',
  'rbac.authorization.k8s.io/v1.RoleRef',
  'rbac.authorization.k8s.io/v1.Subject',
])

/** Fields whose type would merge, but which are owned as a whole. */
const wholeFields: ReadonlySet<string> = new Set([
  'batch/v1.JobStatus.conditions',
  'node.k8s.io/v1.Scheduling.nodeSelector',
  'v1.PodSpec.nodeSelector',
  'v1.PodStatus.hostIPs',
  'v1.ReplicationControllerSpec.selector',
  'v1.ServiceAccount.imagePullSecrets',
  'v1.ServiceSpec.selector',
])

/** Lists with other keys than their strategic merge key, or with keys where that has none. */
const listKeys: Readonly<Record<string, readonly string[]>> = {
  'v1.Container.ports': ['containerPort', 'protocol'],
  'v1.EphemeralContainer.ports': ['containerPort', 'protocol'],
  'v1.PodSpec.topologySpreadConstraints': ['topologyKey', 'whenUnsatisfiable'],
  'v1.ResourceRequirements.claims': ['name'],
  'v1.ServiceSpec.ports': ['port', 'protocol'],
}

const setFields: ReadonlySet<string> = new Set([
  'batch/v1.PodFailurePolicyOnExitCodesRequirement.values',
  'batch/v1.UncountedTerminatedPods.failed',
  'batch/v1.UncountedTerminatedPods.succeeded',
  'discovery.k8s.io/v1.Endpoint.addresses',
])

/** What a key of an item is when it is left out. */
export const keyDefaults: Readonly<Record<string, unknown>> = { protocol: 'TCP' }

const known = new WeakMap<TypeSchema, Topology>()

export function topologyOfType(type: TypeSchema): Topology {
  let topology = known.get(type)
  if (!topology) {
    topology = structTopology(type)
    known.set(type, topology)
  }
  return topology
}

function structTopology(type: TypeSchema): Topology {
  if (wholeStructs.has(`${type.groupVersion}.${type.name}`)) return whole
  return {
    kind: 'fields',
    field(name) {
      const field = type.fields.get(name)
      return field && { topology: topologyOfField(type, field), declared: true }
    },
  }
}

function topologyOfField(owner: TypeSchema, field: FieldSchema): Topology {
  const id = `${owner.groupVersion}.${owner.name}.${field.name}`
  if (wholeFields.has(id)) return whole
  const { ref } = field
  if (ref.shape !== 'list') return topologyOfRef(ref)
  if (field.mergeSet || setFields.has(id)) return { kind: 'set' }
  const keys = listKeys[id] ?? (field.mergeKey ? [field.mergeKey] : undefined)
  return keys ? { kind: 'keyed', keys, item: topologyOfRef(ref.item) } : whole
}

function topologyOfRef(ref: TypeRef): Topology {
  switch (ref.shape) {
    case 'struct':
      return topologyOfType(ref.type)
    case 'map': {
      const entry = { topology: topologyOfRef(ref.value), declared: false }
      return { kind: 'fields', field: () => entry }
    }
    default:
      return whole
  }
}
