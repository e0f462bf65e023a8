/** `fairway up`: brings a cluster up and returns when its node is Ready. */
import { type Command, InvalidArgumentError } from 'commander'
import { type ClusterConfig, defaults, nodeCidrFor } from '../../cluster/settings.ts'
import { type ClusterOptions, clusterOptions, withName } from '../options.ts'

interface Options extends ClusterOptions, Omit<ClusterConfig, 'nodeCidr'> {
  readonly nodeCidr?: string
  readonly foreground?: boolean
  readonly wait?: boolean
  readonly timeout: number
}

export function addUp(program: Command): void {
  withName(program.command('up'))
    .description('bring a cluster up; kubectl is set to it')
    .option('--nodes <count>', 'number of nodes', wholeNumber, defaults.nodes)
    .option(
      '--service-cidr <ranges>',
      'cluster IPs come from here: one range, or one of each family',
      defaults.serviceCidr,
    )
    .option('--pod-cidr <ranges>', 'pod IPs come from here', defaults.podCidr)
    .option('--node-cidr <ranges>', `the network of the nodes (default: "${defaults.nodeCidr}", if pods have IPv4)`)
    .option('--service-node-port-range <range>', 'node ports come from here', defaults.serviceNodePortRange)
    .option('--zones <names>', "the nodes' zones, separated by commas and given out in turn", defaults.zones)
    .option(
      '--node-monitor-grace-period <seconds>',
      'a node that is silent for this long counts as dead',
      wholeNumber,
      defaults.nodeMonitorGracePeriod,
    )
    .option('--cluster-domain <domain>', "the DNS domain of the cluster's names", defaults.clusterDomain)
    .option('--no-egress', 'pods cannot reach the outside; nothing is added to the rules of the host')
    .option('--wait', 'also wait until kube-proxy and coredns are ready')
    .option('--foreground', 'stay, and take the cluster down on Ctrl-C')
    .option('--timeout <seconds>', 'give up after this long', wholeNumber, 60)
    .action(async (_options: unknown, command: Command) => run({ ...clusterOptions(command), ...command.opts() }))
}

async function run(options: Options): Promise<void> {
  const startedAt = performance.now()
  const [{ up }, { duration, progress }] = await Promise.all([
    import('../../cluster/up.ts'),
    import('../../cluster/progress.ts'),
  ])
  const write = (text: string) => process.stdout.write(text)
  write(`fairway: bringing up cluster ${options.name}\n`)
  const shown = progress({ write, terminal: process.stdout.isTTY })
  const result = await up({
    config: configOf(options),
    base: options.stateDir,
    progress: shown,
    environment: process.env,
    foreground: options.foreground ?? false,
    waitForSystem: options.wait ?? false,
    timeoutMs: options.timeout * 1000,
  })
  const still = options.wait ? '' : '; kube-proxy and coredns may still be starting (--wait waits for them)'
  write(`${nodesAre(options.nodes)} Ready after ${duration(performance.now() - startedAt)}${still}\n`)
  if (options.egress && !result.egress)
    write('this machine has no way out (or no nft): pods cannot reach the outside\n')
  write(`kubectl is set to context ${result.layout.context} in ${result.kubeconfig}\n`)
  if (result.supervision) await stayInForeground(options, result.supervision)
}

async function stayInForeground(options: Options, supervision: { stop(): Promise<void> }): Promise<void> {
  process.stdout.write('running; Ctrl-C takes the cluster down\n')
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  process.stdout.write('\n')
  await supervision.stop()
  const { runDown } = await import('./down.ts')
  await runDown(options)
}

function configOf(options: Options): ClusterConfig {
  const { name, nodes, serviceCidr, podCidr, clusterDomain, egress, serviceNodePortRange } = options
  const { nodeCidr = nodeCidrFor(podCidr), nodeMonitorGracePeriod, zones } = options
  const ranges = { serviceCidr, podCidr, nodeCidr, serviceNodePortRange }
  return { name, nodes, ...ranges, clusterDomain, egress, nodeMonitorGracePeriod, zones }
}

function nodesAre(count: number): string {
  return count === 1 ? 'node-1 is' : `node-1 to node-${count} are`
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text) || text === '0') throw new InvalidArgumentError('must be a whole number above 0')
  return Number(text)
}
