/** Puts the parts of an agent together and starts them in order. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { Client, EventRecorder, httpsTransport, Informer, loadKubeconfig, resources } from '../client/index.ts'
import { systemClock } from '../lib/clock.ts'
import { run } from '../lib/exec.ts'
import type { Logger } from '../lib/log.ts'
import { type AgentConfig, catalogueFiles, maskedDirectories, nodeIPs } from './config.ts'
import { PodManager } from './pods/manager.ts'
import { readFacts } from './registration/facts.ts'
import { nodeAmounts } from './registration/node-object.ts'
import { Registrar } from './registration/registrar.ts'
import { keepPodRoutes } from './routes/index.ts'
import { ProcessRuntime } from './runtime/process.ts'
import { PodStreams } from './runtime/streams.ts'
import { listen } from './server/server.ts'

/** Runs until the signal aborts. Pods go on running after that. */
export async function runAgent(
  config: AgentConfig,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<void> {
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 })
  const clock = systemClock
  const client = new Client({
    transport: httpsTransport(await loadKubeconfig(config.kubeconfig)),
    userAgent: 'kubelet/v1.36.0 (fairway)',
  })
  const facts = readFacts(config.stateDir)
  const nodes = new Informer({ client, resource: resources.nodes, log })
  const registrar = new Registrar({ client, nodes, config, facts, clock, log })
  const fieldSelector = `spec.nodeName=${config.nodeName}`
  const pods = new Informer({ client, resource: resources.pods, fieldSelector, log })
  const services = new Informer({ client, resource: resources.services, log })
  pods.start(signal)
  services.start(signal)
  // Ready is said at once; pods that come before the runtime is up wait in the queue.
  const registered = registrar.start(signal)
  keepPodRoutes({ nodes, self: config.nodeName, exec: run, clock, log }, signal)
  nodes.start(signal)
  const runtime = new ProcessRuntime({
    stateDir: config.stateDir,
    fairwayRoot: config.fairwayRoot,
    nodeIPs: nodeIPs(config),
    podCIDRs: await registrar.podCIDRs,
    netnsPrefix: config.netnsPrefix,
    masked: maskedDirectories(config),
    catalogues: catalogueFiles(config),
  })
  const manager = new PodManager({
    client,
    runtime,
    pods,
    services,
    events: new EventRecorder({ client, component: 'kubelet', host: config.nodeName, log }),
    names: clusterNames(config),
    nodeIPs: nodeIPs(config),
    allocatable: nodeAmounts(facts),
    clock,
    leadsTo: rulesLeadTo,
    log,
  })
  await runtime.start((uid) => manager.wake(uid), signal)
  const server = await listen({ config, pods, runtime, streams: new PodStreams(config.stateDir), log, client, clock })
  signal.addEventListener('abort', () => server.close())
  await manager.run(signal)
  await registered
  log.info({ node: config.nodeName }, 'node agent started')
}

/** Loaded with the first pod that is deleted. */
async function rulesLeadTo(ip: string): Promise<boolean> {
  const rules = await import('./service-rules.ts')
  return rules.rulesLeadTo(ip)
}

function clusterNames(config: AgentConfig) {
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  return {
    nodeName: config.nodeName,
    clusterDNS: config.clusterDNS,
    clusterDomain: config.clusterDomain,
    hostResolvConf: read(config.hostResolvConf ?? '/etc/resolv.conf'),
    hostHosts: read('/etc/hosts'),
  }
}
