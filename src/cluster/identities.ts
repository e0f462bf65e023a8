/** The cluster's certificates: one CA, and one certificate for each part and the user (docs/architecture.md, Identities). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCa, createServiceAccountKey, issue, type KeyPair } from '../lib/pki.ts'
import { kubeconfig } from './kubeconfig.ts'
import type { Layout, NodeLayout } from './settings.ts'

const days = 3650

/** The node this process's cluster files describe, with everything its agent reads from disk. */
export interface AgentFiles {
  readonly config: string
  readonly kubeconfig: string
  readonly serverCert: string
  readonly serverKey: string
}

export function agentFiles({ dir }: NodeLayout): AgentFiles {
  return {
    config: join(dir, 'agent.json'),
    kubeconfig: join(dir, 'kubelet.kubeconfig'),
    serverCert: join(dir, 'kubelet.crt'),
    serverKey: join(dir, 'kubelet.key'),
  }
}

/** Certificates that live as files in pki/. */
export type Identity = 'ca' | 'apiserver' | 'apiserver-kubelet-client' | 'admin' | 'kube-proxy' | 'coredns'

export function identityFiles({ pki }: Layout, identity: Identity): { cert: string; key: string } {
  return { cert: join(pki, `${identity}.crt`), key: join(pki, `${identity}.key`) }
}

export function readIdentity(layout: Layout, identity: Identity): KeyPair {
  const { cert, key } = identityFiles(layout, identity)
  return { certPem: readFileSync(cert, 'utf8'), keyPem: readFileSync(key, 'utf8') }
}

/** PEM of the key that signs service account tokens. */
export function readServiceAccountKey({ pki }: Layout): string {
  return readFileSync(join(pki, 'sa.key'), 'utf8')
}

async function makeServiceAccountKey({ pki }: Layout): Promise<void> {
  const path = join(pki, 'sa.key')
  if (existsSync(path)) return
  const { keyPem, publicKeyPem } = await createServiceAccountKey()
  secret(join(pki, 'sa.pub'), publicKeyPem)
  secret(path, keyPem)
}

/** Makes all keys and kubeconfigs, unless they are there already. */
export async function makeIdentities(layout: Layout): Promise<void> {
  mkdirSync(layout.pki, { recursive: true, mode: 0o700 })
  await makeServiceAccountKey(layout)
  // Written last, so it says that everything else is there.
  if (existsSync(layout.adminKubeconfig)) return
  const ca = await createCa({ commonName: 'fairway-ca' })
  const client = (commonName: string, ...organizations: string[]) =>
    issue(ca, { commonName, organizations, usage: 'client', days })
  const save = (identity: Identity, pair: KeyPair) => {
    const files = identityFiles(layout, identity)
    secret(files.cert, pair.certPem)
    secret(files.key, pair.keyPem)
  }
  save('ca', ca)
  const [apiserver, toAgents, admin, proxy, dns] = await Promise.all([
    issue(ca, { commonName: 'kube-apiserver', usage: 'server', days, ...apiServerNames(layout) }),
    client('kube-apiserver-kubelet-client', 'system:masters'),
    client('kubernetes-admin', 'system:masters'),
    client('system:kube-proxy'),
    client('system:coredns'),
  ])
  save('apiserver', apiserver)
  save('apiserver-kubelet-client', toAgents)
  save('admin', admin)
  save('kube-proxy', proxy)
  save('coredns', dns)
  await Promise.all(layout.nodes.map((node) => makeNodeIdentity(layout, node, ca)))
  const { context, apiServer: server } = layout
  const user = kubeconfig({ name: context, server, ca: ca.certPem, cert: admin.certPem, key: admin.keyPem })
  secret(layout.adminKubeconfig, JSON.stringify(user, null, 2))
}

function apiServerNames({ config, switchIps, kubernetesIp }: Layout) {
  return {
    dnsNames: [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      `kubernetes.default.svc.${config.clusterDomain}`,
      'localhost',
    ],
    ipAddresses: [...switchIps, kubernetesIp, '127.0.0.1', '::1'],
  }
}

async function makeNodeIdentity(layout: Layout, node: NodeLayout, ca: KeyPair): Promise<void> {
  const name = `system:node:${node.name}`
  const [client, server] = await Promise.all([
    issue(ca, { commonName: name, organizations: ['system:nodes'], usage: 'client', days }),
    issue(ca, { commonName: name, usage: 'server', days, dnsNames: [node.name], ipAddresses: [...node.ips] }),
  ])
  const files = agentFiles(node)
  mkdirSync(node.dir, { recursive: true, mode: 0o700 })
  secret(files.serverCert, server.certPem)
  secret(files.serverKey, server.keyPem)
  const { certPem: cert, keyPem: key } = client
  secret(
    files.kubeconfig,
    JSON.stringify(kubeconfig({ name: node.name, server: layout.apiServer, ca: ca.certPem, cert, key })),
  )
}

function secret(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 })
}
