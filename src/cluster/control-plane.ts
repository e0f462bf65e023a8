/** The control plane as one process: store, API server and controllers, which reach the server without a socket. */
import { rmSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { definitions } from '../api/index.ts'
import { isReason } from '../api/machinery/status.ts'
import type { ClusterSettings } from '../api/resource.ts'
import { type ApiServer, createApiServer, listenHttps, NodePortLedger } from '../apiserver/index.ts'
import type { Client } from '../client/client.ts'
import { Informer } from '../client/informer.ts'
import { resources } from '../client/resources.ts'
import { type ControllerSettings, type Controllers, startControllers } from '../controllers/index.ts'
import { systemClock } from '../lib/clock.ts'
import { run } from '../lib/exec.ts'
import { createLogger, type Logger } from '../lib/log.ts'
import { keepPodRoutes } from '../node/routes/index.ts'
import { openSqliteStore, type Store } from '../store/index.ts'
import { controlPlaneClients } from './components.ts'
import { readIdentity, readServiceAccountKey } from './identities.ts'
import { localVolumes } from './local-volumes.ts'
import { type Manifest, systemManifests } from './manifests.ts'
import { readyFile } from './processes.ts'
import { apiServerPort, hostAndPort, type Layout } from './settings.ts'
import { existingCluster } from './state.ts'

const retryMs = 10
/** By then a cluster that was just started has its first pods. */
const compileCacheDelayMs = 10_000

async function main(base: string, name: string): Promise<void> {
  const log = createLogger('control-plane')
  const { layout } = existingCluster(name, base)
  const stop = new AbortController()
  const caPem = readIdentity(layout, 'ca').certPem
  const store = openSqliteStore({ path: layout.database })
  const controllers = Promise.withResolvers<Controllers>()
  const health = async () => (await controllers.promise).health()
  const server = apiServer(layout, { caPem, store, health, log })
  const clients = controlPlaneClients(server)
  const started = server.start()
  const listener = await listenHttps(server, {
    host: layout.switchIp,
    port: apiServerPort,
    ...readIdentity(layout, 'apiserver'),
    clientCaPem: caPem,
  })
  controllers.resolve(
    startControllers({
      client: clients.controllerManager,
      clientOf: clients.of,
      rootCa: caPem,
      signToken: server.signLegacyToken,
      settings: controllerSettings(layout),
      log,
      clock: systemClock,
      signal: stop.signal,
      localVolumes: localVolumes(layout),
      nodePorts: new NodePortLedger(store, { nodePortRange: layout.nodePortRange }),
    }),
  )
  keepSwitchRoutes(clients.controllerManager, log, stop.signal)
  onceTold(() => {
    stop.abort()
    rmSync(readyFile(layout), { force: true })
    void listener
      .close()
      .then(() => store.close())
      .finally(() => process.exit(0))
  })
  writeFileSync(readyFile(layout), '')
  await started
  await createSystemObjects(layout, clients.apiserver, log)
  // Otherwise done at the end, which `fairway down` does not wait for: the next start would compile again.
  setTimeout(flushCompileCache, compileCacheDelayMs).unref()
}

interface ServerParts {
  readonly caPem: string
  readonly store: Store
  /** Of all controllers; it throws when they are not well. */
  readonly health: () => Promise<void>
  readonly log: Logger
}

function apiServer(layout: Layout, { caPem, store, health, log }: ServerParts): ApiServer {
  return createApiServer({
    store,
    definitions,
    settings: clusterSettings(layout),
    serviceAccountKeyPem: readServiceAccountKey(layout),
    log,
    // Of two processes upstream: `kubectl get componentstatuses` lists both.
    components: new Map([
      ['controller-manager', health],
      ['scheduler', health],
    ]),
    address: hostAndPort(layout.switchIp, apiServerPort),
    agents: { ...readIdentity(layout, 'apiserver-kubelet-client'), caPem },
  })
}

function onceTold(end: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end)
}

function clusterSettings({ config, serviceCidrs, nodePortRange }: Layout): ClusterSettings {
  return { serviceCidrs, nodePortRange, clusterDomain: config.clusterDomain }
}

function controllerSettings({ config, serviceCidrs, podCidrs, switchIp }: Layout): ControllerSettings {
  return {
    serviceCidrs,
    podCidrs,
    apiServer: { address: switchIp, port: apiServerPort },
    nodeMonitorGracePeriodMs: config.nodeMonitorGracePeriod * 1000,
  }
}

/** This process is in the switch's namespace: what no node has the route for passes here. */
function keepSwitchRoutes(client: Client, log: Logger, signal: AbortSignal): void {
  const nodes = new Informer({ client, resource: resources.nodes, log })
  keepPodRoutes({ nodes, exec: run, clock: systemClock, log }, signal)
  nodes.start(signal)
}

/** What exists stays as it is: it may be the user's by now. */
async function createSystemObjects(layout: Layout, client: Client, log: Logger): Promise<void> {
  const { certPem: ca } = readIdentity(layout, 'ca')
  const certificate = (identity: 'kube-proxy' | 'coredns') => {
    const { certPem: cert, keyPem: key } = readIdentity(layout, identity)
    return { ca, cert, key }
  }
  const manifests = systemManifests(layout, { proxy: certificate('kube-proxy'), dns: certificate('coredns') })
  await Promise.all(manifests.map((manifest) => createOnce(client, manifest)))
  log.info({ objects: manifests.length }, 'system objects are there')
}

async function createOnce(client: Client, { resource, object }: Manifest): Promise<void> {
  for (;;) {
    try {
      await client.create(resource, object)
      return
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) return
      // A Service that exists is refused for its fixed address first, as on Kubernetes.
      if (isReason(error, 'Invalid') && (await exists(client, { resource, object }))) return
      // The namespace controller is making kube-system at this very moment.
      if (!isReason(error, 'NotFound')) throw error
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }
}

async function exists(client: Client, { resource, object }: Manifest): Promise<boolean> {
  return client.get(resource, object.metadata).then(
    () => true,
    () => false,
  )
}

const [, base, name] = process.argv.slice(2)
if (base && name) await main(base, name)
else process.exitCode = 2
