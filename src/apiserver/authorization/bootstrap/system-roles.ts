/** Roles for everybody and for the parts of a cluster, and who has them. */
import type { ClusterRole, PolicyRule, Subject } from '../../../api/generated/rbac.authorization.k8s.io.v1.ts'
import { nodeRules } from './node-rules.ts'
import { read, recordEvents, rule, urlRule } from './rule.ts'

const role = (name: string, ...rules: PolicyRule[]): ClusterRole => ({ metadata: { name }, rules })

const review = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
]

const leaderLock = (name: string) => [
  rule('create', 'coordination.k8s.io', 'leases'),
  rule('get update', 'coordination.k8s.io', 'leases', name),
]

export const systemRoles: readonly ClusterRole[] = [
  role(
    'system:discovery',
    urlRule('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'),
  ),
  role(
    'system:basic-user',
    rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
  ),
  role('system:public-info-viewer', urlRule('/healthz /livez /readyz /version /version/')),
  role('system:service-account-issuer-discovery', urlRule('/.well-known/openid-configuration /openid/v1/jwks')),
  role('system:monitoring', urlRule('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')),
  role('system:auth-delegator', ...review),
  role('system:node', ...nodeRules),
  role(
    'system:node-proxier',
    rule('list watch', '', 'endpoints services'),
    rule(read, '', 'nodes'),
    recordEvents,
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
    rule('list watch', 'networking.k8s.io', 'servicecidrs'),
  ),
  role('system:node-problem-detector', rule('get', '', 'nodes'), rule('patch', '', 'nodes/status'), recordEvents),
  role(
    'system:kubelet-api-admin',
    rule(read, '', 'nodes'),
    rule('proxy', '', 'nodes'),
    rule('*', '', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
  ),
  role(
    'system:coredns',
    rule('list watch', '', 'endpoints namespaces pods services'),
    rule('get', '', 'nodes'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
  ),
  role(
    'system:kube-controller-manager',
    recordEvents,
    ...leaderLock('kube-controller-manager'),
    rule('create', '', 'secrets serviceaccounts'),
    rule('delete', '', 'secrets'),
    rule('get', '', 'configmaps namespaces secrets serviceaccounts'),
    rule('update', '', 'secrets serviceaccounts'),
    ...review,
    rule('list watch', '*', '*'),
    rule('create', '', 'serviceaccounts/token'),
  ),
  role(
    'system:kube-scheduler',
    recordEvents,
    ...leaderLock('kube-scheduler'),
    rule(read, '', 'nodes'),
    rule(`delete ${read}`, '', 'pods'),
    rule('create', '', 'bindings pods/binding'),
    rule('patch update', '', 'pods/status'),
    rule(read, '', 'replicationcontrollers services'),
    rule(read, 'apps,extensions', 'replicasets'),
    rule(read, 'apps', 'statefulsets'),
    rule(read, 'policy', 'poddisruptionbudgets'),
    rule(read, '', 'persistentvolumeclaims persistentvolumes'),
    ...review,
    rule(read, 'storage.k8s.io', 'csinodes'),
    rule(read, '', 'namespaces'),
    rule(read, 'storage.k8s.io', 'csidrivers'),
    rule(read, 'storage.k8s.io', 'csistoragecapacities'),
  ),
  role(
    'system:volume-scheduler',
    rule(`patch update ${read}`, '', 'persistentvolumes'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
    rule(`patch update ${read}`, '', 'persistentvolumeclaims'),
  ),
  // Fairway's own: an agent keeps the routes to the pods of all other nodes.
  role('fairway:node-routes', rule(read, '', 'nodes')),
]

const group = (name: string): Subject => ({ kind: 'Group', name })
const user = (name: string): Subject => ({ kind: 'User', name })

/** By role; the binding has the role's name. */
export const systemSubjects: Readonly<Record<string, readonly Subject[]>> = {
  'cluster-admin': [group('system:masters')],
  'system:discovery': [group('system:authenticated')],
  'system:basic-user': [group('system:authenticated')],
  'system:public-info-viewer': [group('system:authenticated'), group('system:unauthenticated')],
  'system:service-account-issuer-discovery': [group('system:serviceaccounts')],
  'system:monitoring': [group('system:monitoring')],
  // Nodes are authorized one by one; the role is there for those who want to bind it.
  'system:node': [],
  'system:node-proxier': [user('system:kube-proxy')],
  'system:coredns': [user('system:coredns'), { kind: 'ServiceAccount', name: 'coredns', namespace: 'kube-system' }],
  'system:kube-controller-manager': [user('system:kube-controller-manager')],
  'system:kube-scheduler': [user('system:kube-scheduler')],
  'system:volume-scheduler': [user('system:kube-scheduler')],
  'fairway:node-routes': [group('system:nodes')],
}
