/**
 * kube-proxy: `node src/proxy/main.ts --config=FILE [--hostname-override=NODE]`, or `--cleanup` to remove all rules and
 * end. On SIGTERM it ends and leaves its rules: pods and their connections outlive it.
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { run } from '../lib/exec.ts'
import { createLogger, type Logger } from '../lib/log.ts'
import { loadConfig, type ProxyConfig } from './config/config.ts'

const { values } = parseArgs({
  options: {
    config: { type: 'string' },
    'hostname-override': { type: 'string' },
    cleanup: { type: 'boolean' },
    v: { type: 'string', short: 'v' },
  },
})
if (Number(values.v ?? 0) >= 4) process.env['FAIRWAY_LOG_LEVEL'] ??= 'debug'
const log = createLogger('kube-proxy')

try {
  if (values.cleanup) await cleanup()
  else await start(log)
} catch (error) {
  log.fatal({ err: error }, error instanceof Error ? error.message : String(error))
  process.exit(1)
}

async function cleanup(): Promise<void> {
  const { cleanupIptables } = await import('./modes/iptables/make.ts')
  await cleanupIptables(run)
}

async function start(log: Logger): Promise<void> {
  const config = await readConfig()
  if (config.mode !== 'iptables')
    throw new Error(`proxy mode ${JSON.stringify(config.mode)} is not supported by this version`)
  const [{ startProxy }, { LazyMetrics, observers }, { Health }, client] = await Promise.all([
    import('./proxy.ts'),
    import('./serve/observer.ts'),
    import('./serve/health.ts'),
    connect(config),
  ])
  const node = (values['hostname-override'] || config.hostnameOverride || hostname()).trim().toLowerCase()
  const metrics = new LazyMetrics()
  const health = new Health()
  const observer = observers(metrics, health)
  const stop = new AbortController()
  const end = (signal: string) => {
    log.info({ signal }, 'ending; rules stay')
    stop.abort()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal))
  const cleaned = metrics.cleaned.bind(metrics)
  const proxy = await startProxy({ client, config, node, exec: run, observer, cleaned, log }, stop.signal)
  log.info({ mode: config.mode, node, startMs: Math.round(performance.now()) }, 'rules are in place')
  // Rules first: without them there is nothing healthy to report.
  const [{ serveHealth, serveMetrics }, { ServiceHealth }] = await Promise.all([
    import('./serve/serve.ts'),
    import('./serve/service-health.ts'),
  ])
  serveHealth(config.healthzBindAddress, {
    health,
    log,
    answered: metrics.answered.bind(metrics),
    nodeEligible: proxy.nodeEligible,
    programmed: proxy.programmed,
    servicesLeadingTo: proxy.servicesLeadingTo,
  })
  serveMetrics(config.metricsBindAddress, {
    text: async () => metrics.text(await proxy.gauges()),
    mode: config.mode,
    log,
  })
  const healthy = () => health.isHealthy(Date.now())
  const checks = new ServiceHealth({ addresses: proxy.nodePortAddresses, healthy, log })
  proxy.follow((changes) => checks.update(changes))
}

async function readConfig(): Promise<ProxyConfig> {
  if (!values.config) throw new Error('--config is required')
  return loadConfig(readFileSync(values.config, 'utf8'))
}

async function connect(config: ProxyConfig) {
  const { Client, httpsTransport, loadKubeconfig } = await import('../client/index.ts')
  if (!config.kubeconfig) throw new Error('clientConnection.kubeconfig is required')
  return new Client({ transport: httpsTransport(await loadKubeconfig(config.kubeconfig)), userAgent: 'kube-proxy' })
}
