/** The built-in resources, as clients address them, each with its object type. */
import type * as apps from '../api/generated/apps.v1.ts'
import type * as autoscaling from '../api/generated/autoscaling.v2.ts'
import type * as batch from '../api/generated/batch.v1.ts'
import type * as coordination from '../api/generated/coordination.k8s.io.v1.ts'
import type * as discovery from '../api/generated/discovery.k8s.io.v1.ts'
import type * as networking from '../api/generated/networking.k8s.io.v1.ts'
import type * as node from '../api/generated/node.k8s.io.v1.ts'
import type * as policy from '../api/generated/policy.v1.ts'
import type * as rbac from '../api/generated/rbac.authorization.k8s.io.v1.ts'
import type * as scheduling from '../api/generated/scheduling.k8s.io.v1.ts'
import type * as storage from '../api/generated/storage.k8s.io.v1.ts'
import type * as core from '../api/generated/v1.ts'
import type { KubeObject } from '../api/machinery/object.ts'
import type { Resource } from './contract.ts'

function resource<T extends KubeObject>(
  group: string,
  kind: string,
  plural: string,
  scope: 'namespaced' | 'cluster' = 'namespaced',
): Resource<T> {
  return { group, version: 'v1', kind, plural, namespaced: scope === 'namespaced' }
}

export const resources = {
  pods: resource<core.Pod>('', 'Pod', 'pods'),
  services: resource<core.Service>('', 'Service', 'services'),
  endpoints: resource<core.Endpoints>('', 'Endpoints', 'endpoints'),
  nodes: resource<core.Node>('', 'Node', 'nodes', 'cluster'),
  namespaces: resource<core.Namespace>('', 'Namespace', 'namespaces', 'cluster'),
  configMaps: resource<core.ConfigMap>('', 'ConfigMap', 'configmaps'),
  secrets: resource<core.Secret>('', 'Secret', 'secrets'),
  persistentVolumes: resource<core.PersistentVolume>('', 'PersistentVolume', 'persistentvolumes', 'cluster'),
  persistentVolumeClaims: resource<core.PersistentVolumeClaim>('', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  serviceAccounts: resource<core.ServiceAccount>('', 'ServiceAccount', 'serviceaccounts'),
  replicationControllers: resource<core.ReplicationController>('', 'ReplicationController', 'replicationcontrollers'),
  events: resource<core.Event>('', 'Event', 'events'),
  deployments: resource<apps.Deployment>('apps', 'Deployment', 'deployments'),
  replicaSets: resource<apps.ReplicaSet>('apps', 'ReplicaSet', 'replicasets'),
  daemonSets: resource<apps.DaemonSet>('apps', 'DaemonSet', 'daemonsets'),
  statefulSets: resource<apps.StatefulSet>('apps', 'StatefulSet', 'statefulsets'),
  controllerRevisions: resource<apps.ControllerRevision>('apps', 'ControllerRevision', 'controllerrevisions'),
  jobs: resource<batch.Job>('batch', 'Job', 'jobs'),
  cronJobs: resource<batch.CronJob>('batch', 'CronJob', 'cronjobs'),
  endpointSlices: resource<discovery.EndpointSlice>('discovery.k8s.io', 'EndpointSlice', 'endpointslices'),
  ipAddresses: resource<networking.IPAddress>('networking.k8s.io', 'IPAddress', 'ipaddresses', 'cluster'),
  serviceCidrs: resource<networking.ServiceCIDR>('networking.k8s.io', 'ServiceCIDR', 'servicecidrs', 'cluster'),
  ingresses: resource<networking.Ingress>('networking.k8s.io', 'Ingress', 'ingresses'),
  ingressClasses: resource<networking.IngressClass>('networking.k8s.io', 'IngressClass', 'ingressclasses', 'cluster'),
  networkPolicies: resource<networking.NetworkPolicy>('networking.k8s.io', 'NetworkPolicy', 'networkpolicies'),
  horizontalPodAutoscalers: {
    ...resource<autoscaling.HorizontalPodAutoscaler>(
      'autoscaling',
      'HorizontalPodAutoscaler',
      'horizontalpodautoscalers',
    ),
    version: 'v2',
  },
  podDisruptionBudgets: resource<policy.PodDisruptionBudget>('policy', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  resourceQuotas: resource<core.ResourceQuota>('', 'ResourceQuota', 'resourcequotas'),
  limitRanges: resource<core.LimitRange>('', 'LimitRange', 'limitranges'),
  podTemplates: resource<core.PodTemplate>('', 'PodTemplate', 'podtemplates'),
  csiDrivers: resource<storage.CSIDriver>('storage.k8s.io', 'CSIDriver', 'csidrivers', 'cluster'),
  csiNodes: resource<storage.CSINode>('storage.k8s.io', 'CSINode', 'csinodes', 'cluster'),
  csiStorageCapacities: resource<storage.CSIStorageCapacity>(
    'storage.k8s.io',
    'CSIStorageCapacity',
    'csistoragecapacities',
  ),
  storageClasses: resource<storage.StorageClass>('storage.k8s.io', 'StorageClass', 'storageclasses', 'cluster'),
  volumeAttachments: resource<storage.VolumeAttachment>(
    'storage.k8s.io',
    'VolumeAttachment',
    'volumeattachments',
    'cluster',
  ),
  volumeAttributesClasses: resource<storage.VolumeAttributesClass>(
    'storage.k8s.io',
    'VolumeAttributesClass',
    'volumeattributesclasses',
    'cluster',
  ),
  priorityClasses: resource<scheduling.PriorityClass>(
    'scheduling.k8s.io',
    'PriorityClass',
    'priorityclasses',
    'cluster',
  ),
  runtimeClasses: resource<node.RuntimeClass>('node.k8s.io', 'RuntimeClass', 'runtimeclasses', 'cluster'),
  leases: resource<coordination.Lease>('coordination.k8s.io', 'Lease', 'leases'),
  roles: resource<rbac.Role>('rbac.authorization.k8s.io', 'Role', 'roles'),
  clusterRoles: resource<rbac.ClusterRole>('rbac.authorization.k8s.io', 'ClusterRole', 'clusterroles', 'cluster'),
  roleBindings: resource<rbac.RoleBinding>('rbac.authorization.k8s.io', 'RoleBinding', 'rolebindings'),
  clusterRoleBindings: resource<rbac.ClusterRoleBinding>(
    'rbac.authorization.k8s.io',
    'ClusterRoleBinding',
    'clusterrolebindings',
    'cluster',
  ),
} as const
