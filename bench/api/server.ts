/** The process that is measured: API server and store with the settings of a cluster, on loopback. Started by api.ts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TokenRequest } from '../../src/api/generated/authentication.k8s.io.v1.ts'
import { definitions } from '../../src/api/index.ts'
import { createApiServer, inProcessTransport, listenHttps } from '../../src/apiserver/index.ts'
import { Client, resources } from '../../src/client/index.ts'
import { createCa, issue } from '../../src/lib/pki.ts'
import { openSqliteStore } from '../../src/store/index.ts'

/** What the process tells when it is ready. */
export interface Served {
  readonly port: number
  /** Of a ServiceAccount that may do everything. */
  readonly token: string
}

const directory = mkdtempSync(join(process.env['FAIRWAY_STATE_DIR'] ?? '/tmp', 'api-'))
const ca = await createCa({ commonName: 'bench-ca' })
const { certPem, keyPem } = await issue(ca, { commonName: 's', ipAddresses: ['127.0.0.1'], usage: 'server', days: 1 })
const store = openSqliteStore({ path: join(directory, 'store.db') })
const settings = {
  serviceCidrs: ['10.96.0.0/12'],
  nodePortRange: { from: 30_000, to: 32_767 },
  clusterDomain: 'cluster.local',
}
const api = createApiServer({ store, definitions, settings })
const listener = await listenHttps(api, { host: '127.0.0.1', port: 0, certPem, keyPem, clientCaPem: ca.certPem })
process.send?.({ port: listener.port, token: await tokenOfAdmin() } satisfies Served)
process.once('disconnect', () => {
  void listener.close().then(async () => {
    api.close()
    await store.close()
    rmSync(directory, { recursive: true })
  })
})

async function tokenOfAdmin(): Promise<string> {
  const client = new Client({ transport: inProcessTransport(api, { name: 'admin', groups: ['system:masters'] }) })
  await client.create(resources.namespaces, { metadata: { name: 'default' } })
  await client.create(resources.serviceAccounts, { metadata: { namespace: 'default', name: 'bench' } })
  await client.create(resources.clusterRoles, {
    metadata: { name: 'everything' },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  })
  await client.create(resources.clusterRoleBindings, {
    metadata: { name: 'bench' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'everything' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'bench' }],
  })
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } }
  const at = { namespace: 'default', name: 'bench' }
  const answer = await client.createSubresource(resources.serviceAccounts, at, 'token', body)
  return (answer as TokenRequest).status?.token ?? ''
}
