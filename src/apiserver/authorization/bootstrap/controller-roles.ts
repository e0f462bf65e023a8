/**
 * Roles of the controllers, one each, given to their service accounts in kube-system. What they read they get from
 * shared informers, under the identity of kube-controller-manager.
 */
import type { ClusterRole, PolicyRule, Subject } from '../../../api/generated/rbac.authorization.k8s.io.v1.ts'
import { read, recordEvents, rule } from './rule.ts'

const revisions = rule(`create delete patch update ${read}`, 'apps', 'controllerrevisions')
const createPods = rule('create delete list patch watch', '', 'pods')

const rulesOf: Readonly<Record<string, readonly PolicyRule[]>> = {
  'clusterrole-aggregation-controller': [
    rule(`escalate patch update ${read}`, 'rbac.authorization.k8s.io', 'clusterroles'),
  ],
  'cronjob-controller': [
    rule(`update ${read}`, 'batch', 'cronjobs'),
    rule(`create delete patch update ${read}`, 'batch', 'jobs'),
    rule('update', 'batch', 'cronjobs/status'),
    rule('update', 'batch', 'cronjobs/finalizers'),
    rule('delete list', '', 'pods'),
    recordEvents,
  ],
  'daemon-set-controller': [
    rule(read, 'apps,extensions', 'daemonsets'),
    rule('update', 'apps,extensions', 'daemonsets/status'),
    rule('update', 'apps,extensions', 'daemonsets/finalizers'),
    rule('list watch', '', 'nodes'),
    createPods,
    rule('create', '', 'pods/binding'),
    revisions,
    recordEvents,
  ],
  'deployment-controller': [
    rule(`update ${read}`, 'apps,extensions', 'deployments'),
    rule('update', 'apps,extensions', 'deployments/status'),
    rule('update', 'apps,extensions', 'deployments/finalizers'),
    rule(`create delete patch update ${read}`, 'apps,extensions', 'replicasets'),
    rule(`update ${read}`, '', 'pods'),
    recordEvents,
  ],
  'disruption-controller': [
    rule(read, 'apps,extensions', 'deployments'),
    rule(read, 'apps,extensions', 'replicasets'),
    rule(read, '', 'replicationcontrollers'),
    rule(read, 'policy', 'poddisruptionbudgets'),
    rule(read, 'apps', 'statefulsets'),
    rule('update', 'policy', 'poddisruptionbudgets/status'),
    rule('patch update', '', 'pods/status'),
    recordEvents,
    rule('get', '*', '*/scale'),
  ],
  'endpoint-controller': [
    rule(read, '', 'pods services'),
    rule('create delete get list update', '', 'endpoints'),
    rule('create', '', 'endpoints/restricted'),
    recordEvents,
  ],
  'endpointslice-controller': [
    rule(read, '', 'nodes pods services'),
    rule('update', '', 'services/finalizers'),
    rule('create delete get list update', 'discovery.k8s.io', 'endpointslices'),
    rule('create', 'discovery.k8s.io', 'endpointslices/restricted'),
    recordEvents,
  ],
  'endpointslicemirroring-controller': [
    rule(read, '', 'endpoints services'),
    rule('update', '', 'services/finalizers'),
    rule('update', '', 'endpoints/finalizers'),
    rule('create delete get list update', 'discovery.k8s.io', 'endpointslices'),
    rule('create', 'discovery.k8s.io', 'endpointslices/restricted'),
    recordEvents,
  ],
  'ephemeral-volume-controller': [
    rule('update', '', 'pods/finalizers'),
    rule(read, '', 'pods'),
    rule(`create ${read}`, '', 'persistentvolumeclaims'),
    recordEvents,
  ],
  'generic-garbage-collector': [rule(`delete patch update ${read}`, '*', '*'), recordEvents],
  'job-controller': [
    rule(`patch update ${read}`, 'batch', 'jobs'),
    rule('patch update', 'batch', 'jobs/status'),
    rule('update', 'batch', 'jobs/finalizers'),
    createPods,
    recordEvents,
  ],
  'namespace-controller': [
    rule(`delete ${read}`, '', 'namespaces'),
    rule('update', '', 'namespaces/finalize namespaces/status'),
    rule('delete deletecollection get list', '*', '*'),
  ],
  'node-controller': [
    rule('delete get list patch update', '', 'nodes'),
    rule('patch update', '', 'nodes/status'),
    rule('patch update', '', 'pods/status'),
    rule('delete get list', '', 'pods'),
    recordEvents,
  ],
  'persistent-volume-binder': [
    rule(`create delete update ${read}`, '', 'persistentvolumes'),
    rule('patch update', '', 'persistentvolumes/status'),
    rule(`update ${read}`, '', 'persistentvolumeclaims'),
    rule('patch update', '', 'persistentvolumeclaims/status'),
    rule(`create delete ${read}`, '', 'pods'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
    recordEvents,
  ],
  'pod-garbage-collector': [
    rule('delete list watch', '', 'pods'),
    rule('get list', '', 'nodes'),
    rule('patch', '', 'pods/status'),
  ],
  'pv-protection-controller': [rule(`update ${read}`, '', 'persistentvolumes'), recordEvents],
  'pvc-protection-controller': [
    rule(`update ${read}`, '', 'persistentvolumeclaims'),
    rule(read, '', 'pods'),
    recordEvents,
  ],
  'replicaset-controller': [
    rule(`update ${read}`, 'apps,extensions', 'replicasets'),
    rule('update', 'apps,extensions', 'replicasets/status'),
    rule('update', 'apps,extensions', 'replicasets/finalizers'),
    createPods,
    recordEvents,
  ],
  'replication-controller': [
    rule(`update ${read}`, '', 'replicationcontrollers'),
    rule('update', '', 'replicationcontrollers/status'),
    rule('update', '', 'replicationcontrollers/finalizers'),
    rule(`create delete patch ${read}`, '', 'pods'),
    recordEvents,
  ],
  'resourcequota-controller': [rule('list watch', '*', '*'), rule('update', '', 'resourcequotas/status'), recordEvents],
  'root-ca-cert-publisher': [rule('create update', '', 'configmaps'), recordEvents],
  'service-account-controller': [rule('create', '', 'serviceaccounts'), recordEvents],
  // Fairway's own: Events about Services that cannot work.
  'service-advice-controller': [recordEvents],
  'service-cidrs-controller': [
    rule(`create patch update ${read}`, 'networking.k8s.io', 'servicecidrs'),
    rule('patch update', 'networking.k8s.io', 'servicecidrs/finalizers servicecidrs/status'),
    rule(read, 'networking.k8s.io', 'ipaddresses'),
    recordEvents,
  ],
  'statefulset-controller': [
    rule('list watch', '', 'pods'),
    rule(read, 'apps', 'statefulsets'),
    rule('update', 'apps', 'statefulsets/status'),
    rule('update', 'apps', 'statefulsets/finalizers'),
    rule('create delete get patch update', '', 'pods'),
    revisions,
    rule(`create update delete ${read}`, '', 'persistentvolumeclaims'),
    recordEvents,
  ],
  'token-controller': [rule(`delete update ${read}`, '', 'secrets'), rule('get list', '', 'serviceaccounts')],
  'ttl-after-finished-controller': [rule(`delete ${read}`, 'batch', 'jobs'), recordEvents],
}

const roleName = (controller: string) => `system:controller:${controller}`

export const controllerRoles: readonly ClusterRole[] = Object.entries(rulesOf).map(([controller, rules]) => ({
  metadata: { name: roleName(controller) },
  rules: [...rules],
}))

/** By role, as for the roles of the system. */
export const controllerSubjects: Readonly<Record<string, readonly Subject[]>> = Object.fromEntries(
  Object.keys(rulesOf).map((name) => [roleName(name), [{ kind: 'ServiceAccount', name, namespace: 'kube-system' }]]),
)
