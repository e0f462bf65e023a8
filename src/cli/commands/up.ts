/** `fairway up`: brings a cluster up and returns when its node is Ready. */
import { type Command, InvalidArgumentError } from 'commander'
import { type ClusterConfig, defaults, type GivenSettings } from '../../cluster/settings.ts'
import { type ClusterOptions, clusterOptions, withName } from '../options.ts'

interface Options extends ClusterOptions {
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
    .option('--zones <names>', "the nodes' zones, separated by commas and given out in turn")
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
    .action(async (_options: unknown, command: Command) =>
      run({ ...clusterOptions(command), ...command.opts() }, givenSettings(command)),
    )
}

async function run(options: Options, given: GivenSettings): Promise<void> {
  const startedAt = performance.now()
  const [{ up }, { duration, progress }] = await Promise.all([
    import('../../cluster/up.ts'),
    import('../../cluster/progress.ts'),
  ])
  const write = (text: string) => process.stdout.write(text)
  write(`fairway: bringing up cluster ${options.name}\n`)
  const interruption = interruptedByUser()
  const result = await up({
    given,
    base: options.stateDir,
    progress: progress({ write, terminal: process.stdout.isTTY }),
    environment: process.env,
    foreground: options.foreground ?? false,
    waitForSystem: options.wait ?? false,
    timeoutMs: options.timeout * 1000,
    interruption,
  })
  const still = options.wait ? '' : '; kube-proxy and coredns may still be starting (--wait waits for them)'
  write(`${nodesAre(result.layout.nodes.length)} Ready after ${duration(performance.now() - startedAt)}${still}\n`)
  if (result.layout.config.egress && !result.egress)
    write('this machine has no way out (or no nft): pods cannot reach the outside\n')
  write(`kubectl is set to context ${result.layout.context} in ${result.kubeconfig}\n`)
  if (result.supervision) await stayInForeground(options, result.supervision, interruption)
}

/** Ctrl-C and its kind; a second one ends this process at once. */
function interruptedByUser(): AbortSignal {
  const interruption = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interruption.abort())
  return interruption.signal
}

async function stayInForeground(
  options: Options,
  supervision: { stop(): Promise<void> },
  interruption: AbortSignal,
): Promise<void> {
  process.stdout.write('running; Ctrl-C takes the cluster down\n')
  if (!interruption.aborted) await new Promise((resolve) => interruption.addEventListener('abort', resolve))
  process.stdout.write('\n')
  await supervision.stop()
  const { runDown } = await import('./down.ts')
  await runDown(options)
}

/** Only what the user wrote: a cluster that is there may have other settings than the defaults. */
function givenSettings(command: Command): GivenSettings {
  const options = command.opts<ClusterConfig>()
  const written = Object.keys(defaults).filter((key) => command.getOptionValueSource(key) === 'cli')
  return { ...Object.fromEntries(Object.entries(options).filter(([key]) => written.includes(key))), name: options.name }
}

function nodesAre(count: number): string {
  return count === 1 ? 'node-1 is' : `node-1 to node-${count} are`
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text) || text === '0') throw new InvalidArgumentError('must be a whole number above 0')
  return Number(text)
}
