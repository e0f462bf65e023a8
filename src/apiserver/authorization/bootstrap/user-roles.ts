/** Roles for people and their programs: `cluster-admin`, and `admin`, `edit` and `view` with what they aggregate. */
import type { ClusterRole, PolicyRule } from '../../../api/generated/rbac.authorization.k8s.io.v1.ts'
import { read, rule, write } from './rule.ts'

const aggregateTo = (role: string) => `rbac.authorization.k8s.io/aggregate-to-${role}`

/** `into`: the aggregating role that it is part of. */
function part(name: string, into: string, rules: PolicyRule[]): ClusterRole {
  return { metadata: { name, labels: { [aggregateTo(into)]: 'true' } }, rules }
}

function whole(name: string, into?: string): ClusterRole {
  return {
    metadata: { name, ...(into && { labels: { [aggregateTo(into)]: 'true' } }) },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateTo(name)]: 'true' } }] },
  }
}

const scaled = 'deployments deployments/scale replicasets replicasets/scale'
const workloads = `daemonsets ${scaled} statefulsets statefulsets/scale`

export const userRoles: readonly ClusterRole[] = [
  {
    metadata: { name: 'cluster-admin' },
    rules: [rule('*', '*', '*'), { verbs: ['*'], nonResourceURLs: ['*'] }],
  },
  whole('admin'),
  whole('edit', 'admin'),
  whole('view', 'edit'),
  part('system:aggregate-to-admin', 'admin', [
    rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
    rule(`${read} ${write}`, 'rbac.authorization.k8s.io', 'rolebindings roles'),
  ]),
  part('system:aggregate-to-edit', 'edit', [
    rule(read, '', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
    rule('impersonate', '', 'serviceaccounts'),
    rule(write, '', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
    rule('create', '', 'pods/eviction'),
    rule(
      write,
      '',
      'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
    ),
    rule('create', '', 'serviceaccounts/token'),
    rule(write, 'apps', `${workloads} deployments/rollback`),
    rule(write, 'autoscaling', 'horizontalpodautoscalers'),
    rule(write, 'batch', 'cronjobs jobs'),
    rule(
      write,
      'extensions',
      `daemonsets ${scaled} deployments/rollback ingresses networkpolicies replicationcontrollers/scale`,
    ),
    rule(write, 'policy', 'poddisruptionbudgets'),
    rule(write, 'networking.k8s.io', 'ingresses networkpolicies'),
    rule(`${read} ${write}`, 'coordination.k8s.io', 'leases'),
  ]),
  part('system:aggregate-to-view', 'view', [
    rule(
      read,
      '',
      'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
    ),
    rule(
      read,
      '',
      'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
    ),
    rule(read, '', 'namespaces'),
    rule(read, 'discovery.k8s.io', 'endpointslices'),
    rule(
      read,
      'apps',
      `${workloads} controllerrevisions daemonsets/status deployments/status replicasets/status statefulsets/status`,
    ),
    rule(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
    rule(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
    rule(
      read,
      'extensions',
      `daemonsets daemonsets/status ${scaled} deployments/status ingresses ingresses/status networkpolicies replicasets/status replicationcontrollers/scale`,
    ),
    rule(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
    rule(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  ]),
]
