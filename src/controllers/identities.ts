/**
 * Who the controllers are when they write. Each is a service account in kube-system of its own name, with a role of its
 * own; but for the scheduler, and for what the API server itself keeps in order.
 */
export const controllerIdentities = [
  'clusterrole-aggregation-controller',
  'cronjob-controller',
  'daemon-set-controller',
  'deployment-controller',
  'disruption-controller',
  'endpoint-controller',
  'endpointslice-controller',
  'endpointslicemirroring-controller',
  'ephemeral-volume-controller',
  'generic-garbage-collector',
  'job-controller',
  'namespace-controller',
  'node-controller',
  'persistent-volume-binder',
  'pod-garbage-collector',
  'pv-protection-controller',
  'pvc-protection-controller',
  'replicaset-controller',
  'replication-controller',
  'resourcequota-controller',
  'root-ca-cert-publisher',
  'service-account-controller',
  'service-advice-controller',
  'service-cidrs-controller',
  'statefulset-controller',
  'token-controller',
  'ttl-after-finished-controller',
] as const

export type ControllerIdentity = (typeof controllerIdentities)[number] | 'apiserver' | 'kube-scheduler'
