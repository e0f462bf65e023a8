/** What is served below objects besides `status` and `scale`, which follow from a kind's declaration. */

export interface Subresource {
  readonly name: string
  /** Of the body or the answer. */
  readonly kind: string
  /** Of `kind`, where they are not the resource's own. */
  readonly group?: string
  readonly version?: string
  readonly verbs: readonly string[]
}

const stream = ['create', 'get']
const everyMethod = ['create', 'delete', 'get', 'patch', 'update']

/** By `group/plural`. */
export const subresources: Readonly<Record<string, readonly Subresource[]>> = {
  '/namespaces': [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  '/nodes': [{ name: 'proxy', kind: 'NodeProxyOptions', verbs: everyMethod }],
  '/pods': [
    { name: 'attach', kind: 'PodAttachOptions', verbs: stream },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: stream },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: stream },
    { name: 'proxy', kind: 'PodProxyOptions', verbs: everyMethod },
    { name: 'resize', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
  ],
  '/serviceaccounts': [
    { name: 'token', group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] },
  ],
  '/services': [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: everyMethod }],
}
