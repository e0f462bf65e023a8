/** Brings a cluster up: makes it, or adopts what a crash left of it. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkMachine, checkNat } from './checks.ts'
import { removeEverything } from './down.ts'
import { agentFiles, identityFiles, makeIdentities, readIdentity } from './identities.ts'
import { addToUserKubeconfig, userKubeconfigPath } from './kubeconfig.ts'
import { createNetwork, networkState } from './network.ts'
import { logFile, partsOf, readyFile, runningPid } from './processes.ts'
import type { Progress } from './progress.ts'
import {
  completeSettings,
  differingOptions,
  type GivenSettings,
  type Layout,
  layoutOf,
  SettingsError,
} from './settings.ts'
import { nodesOn, readState, withLock, writeState } from './state.ts'
import { beginWord, type Supervision, supervise } from './supervisor.ts'
import { checkSettings } from './validation.ts'
import { waitForAgents, waitForNodes, waitForSystemPods } from './wait.ts'

export interface UpOptions {
  readonly given: GivenSettings
  readonly base: string
  readonly progress: Progress
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The supervisor is this process; else one of its own. */
  readonly foreground: boolean
  /** Also wait for the proxy and the DNS. */
  readonly waitForSystem: boolean
  readonly timeoutMs: number
}

export interface UpResult {
  readonly layout: Layout
  readonly kubeconfig: string
  readonly egress: boolean
  /** With `foreground`. */
  readonly supervision?: Supervision
}

export class UpError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'UpError'
  }
}

export async function up(options: UpOptions): Promise<UpResult> {
  const { base, progress } = options
  const layout = chooseLayout(options)
  return withLock(layout, base, async () => {
    const adopted = findLeftovers(layout)
    await checkMachine()
    if (adopted) progress.note(`  ${adopted}`)
    const deadline = Date.now() + options.timeoutMs
    try {
      return await start(layout, options, deadline)
    } catch (error) {
      const logs = lastLogLines(layout)
      // What was adopted holds somebody's objects: it stays for another try.
      if (!adopted) await removeEverything(layout, base)
      const kept = adopted
        ? `; the cluster's state is kept in ${layout.dir}`
        : '; everything made for it is removed again'
      throw new UpError(`${error instanceof Error ? error.message : String(error)}${kept}${logs}`, error)
    }
  })
}

/** A cluster that is there keeps the settings that were not given. */
function chooseLayout({ given, base }: UpOptions): Layout {
  const usual = completeSettings({ name: given.name })
  checkSettings(usual)
  const config = completeSettings(given, readState(layoutOf(usual, base))?.config)
  checkSettings(config)
  return layoutOf(config, base)
}

/** Refuses a cluster that runs; says what is adopted when one crashed; undefined when there is nothing. */
function findLeftovers(layout: Layout): string | undefined {
  const state = readState(layout)
  const { name } = layout.config
  if (!state)
    return networkState(layout, nodesOn(layout)) === 'absent'
      ? undefined
      : `left by an interrupted start of ${name}: made anew`
  if (runningPid(layout, 'supervisor')) {
    throw new SettingsError(
      `cluster ${name} is running already (since ${state.createdAt}); see: fairway status; end it with: fairway down`,
    )
  }
  const differing = differingOptions(layout.config, state.config)
  if (differing.length > 0) {
    throw new SettingsError(
      `cluster ${name} was stopped by a crash and was made with another ${differing.join(', ')}: ` +
        `without these options it starts with the settings it had (${layout.configFile}); fairway down removes it`,
    )
  }
  return `cluster ${name} is there, but its supervisor is not: adopting it with all its objects`
}

async function start(layout: Layout, options: UpOptions, deadline: number): Promise<UpResult> {
  const { base, progress, environment } = options
  const before = readState(layout)
  rmSync(readyFile(layout), { force: true })
  writeState(layout, { createdAt: new Date().toISOString(), ...before, config: layout.config })
  const supervisor = options.foreground ? undefined : loadSupervisor(layout, base)
  const [{ egress }] = await Promise.all([
    progress.phase('networks', () => network(layout, base)),
    progress.phase('keys and certificates', () => makeIdentities(layout)),
  ])
  writeAgentConfigs(layout)
  const startedAt = new Date()
  supervisor?.begin()
  const supervision = supervisor ? undefined : await supervise(layout, base)
  const [kubeconfig] = await Promise.all([
    mergeKubeconfig(layout, environment),
    checkNat(layout),
    progress
      .phase('control plane', () => waitForControlPlane(layout, deadline))
      .then(() =>
        progress.phase(layout.nodes.length > 1 ? 'nodes Ready' : 'node Ready', async () => {
          if (before) await waitForAgents(layout, startedAt, deadline)
          await waitForNodes(layout, deadline)
        }),
      ),
  ])
  if (options.waitForSystem) {
    await progress.phase('kube-proxy and coredns ready', () => waitForSystemPods(layout, deadline))
  }
  return { layout, kubeconfig, egress, ...(supervision && { supervision }) }
}

async function network(layout: Layout, base: string): Promise<{ egress: boolean }> {
  const nodes = nodesOn(layout)
  const state = networkState(layout, nodes)
  if (state === 'up') return { egress: layout.config.egress }
  // Pods of before cannot outlive their network: take them away with its remains; controllers make new ones.
  if (state === 'partial' || existsSync(layout.nodes[0]?.dir ?? '')) {
    const { removePodsAndNetwork } = await import('./down.ts')
    await removePodsAndNetwork(layout)
  }
  mkdirSync(base, { recursive: true, mode: 0o700 })
  return createNetwork(layout, nodes)
}

function writeAgentConfigs(layout: Layout): void {
  for (const node of layout.nodes) {
    const { config, kubeconfig, serverCert, serverKey } = agentFiles(node)
    mkdirSync(join(node.dir, 'pods'), { recursive: true, mode: 0o700 })
    const settings = {
      nodeName: node.name,
      nodeIP: node.ips.join(','),
      labels: node.labels,
      // Heard of often enough for what the controllers wait.
      nodeLeaseDurationSeconds: Math.min(40, layout.config.nodeMonitorGracePeriod),
      clusterDNS: layout.dnsIp,
      clusterDomain: layout.config.clusterDomain,
      kubeconfig,
      serverCert,
      serverKey,
      clientCA: identityFiles(layout, 'ca').cert,
      stateDir: join(node.dir, 'pods'),
      fairwayRoot: join(import.meta.dirname, '../..'),
      netnsPrefix: node.namespace,
      hostResolvConf: hostResolvConf(),
    }
    writeFileSync(config, JSON.stringify(settings, null, 2), { mode: 0o600 })
  }
}

/** systemd-resolved's stub address is the host's own loopback; what it asks itself is in its other file. */
function hostResolvConf(): string {
  const behindStub = '/run/systemd/resolve/resolv.conf'
  const path = '/etc/resolv.conf'
  const stub = existsSync(path) && /^nameserver\s+127\.0\.0\.53\s*$/m.test(readFileSync(path, 'utf8'))
  return stub && existsSync(behindStub) ? behindStub : path
}

/** The supervisor's process, which loads while its parts cannot be started yet. It ends if we do before `begin`. */
function loadSupervisor(layout: Layout, base: string): { begin: () => void } {
  mkdirSync(layout.logs, { recursive: true, mode: 0o700 })
  const log = openSync(logFile(layout, 'supervisor'), 'a', 0o600)
  const script = join(import.meta.dirname, 'supervisor-main.ts')
  const child = spawn(process.execPath, [...process.execArgv, script, layout.dir, base, layout.config.name], {
    detached: true,
    stdio: ['pipe', log, log],
    cwd: '/',
  })
  closeSync(log)
  child.unref()
  // A supervisor that ended early has told its log why; we see that no control plane comes.
  child.stdin?.on('error', () => {})
  return { begin: () => child.stdin?.end(beginWord) }
}

async function waitForControlPlane(layout: Layout, deadline: number): Promise<void> {
  while (!existsSync(readyFile(layout))) {
    if (Date.now() > deadline) throw new Error('the control plane did not start in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function mergeKubeconfig(layout: Layout, environment: UpOptions['environment']): Promise<string> {
  const path = userKubeconfigPath(environment)
  const { certPem: cert, keyPem: key } = readIdentity(layout, 'admin')
  const { certPem: ca } = readIdentity(layout, 'ca')
  const before = readState(layout)
  const merged = await addToUserKubeconfig(path, { name: layout.context, server: layout.apiServer, ca, cert, key })
  // A cluster that is adopted has been merged before; what the file was like then is what counts.
  const kept = before?.merged?.path === path ? before.merged : merged
  if (before) writeState(layout, { ...before, merged: kept })
  return path
}

/** The end of each part's log, for the error that ends `up`. */
function lastLogLines(layout: Layout): string {
  const tails = partsOf(layout).flatMap((part) => {
    const file = logFile(layout, part)
    if (!existsSync(file)) return []
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5)
    return lines.join('') === '' ? [] : [`\n--- the last lines of ${part}'s log\n${lines.join('\n')}`]
  })
  return tails.join('')
}
