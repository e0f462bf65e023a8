/** Brings a cluster up: makes it, or adopts what a crash left of it. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkEnvironment, checkMachine, checkNat, checkRoom } from './checks.ts'
import { powerOff, removeEverything } from './down.ts'
import { agentFiles, identityFiles, makeIdentities, readIdentity } from './identities.ts'
import { addToUserKubeconfig, userKubeconfigPath } from './kubeconfig.ts'
import { createNetwork, networkState, together } from './network.ts'
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
  /** Aborted when the user wants no cluster any more: the start fails. */
  readonly interruption: AbortSignal
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
  const { base, progress, interruption } = options
  checkEnvironment(options.environment)
  const layout = chooseLayout(options)
  return withLock(layout, base, async () => {
    const found = findLeftovers(layout)
    checkRoom(base)
    await checkMachine()
    if (found !== 'nothing') progress.note(`  ${notes[found](layout.config.name)}`)
    if (found === 'remains') await removeEverything(layout)
    const patience = AbortSignal.any([AbortSignal.timeout(options.timeoutMs), interruption])
    try {
      return await start(layout, options, patience)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const reason = interruption.aborted ? 'interrupted' : message
      const logs = interruption.aborted ? '' : lastLogLines(layout)
      // What was adopted holds somebody's objects: it stays for another try.
      const adopted = found === 'crashed'
      if (!adopted) await removeEverything(layout)
      const kept = adopted
        ? `; the cluster's state is kept in ${layout.dir}`
        : '; everything made for it is removed again'
      throw new UpError(`${reason}${kept}${logs}`, error)
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

const notes = {
  remains: (name: string) => `left by an interrupted start of ${name}: made anew`,
  crashed: (name: string) => `cluster ${name} is there, but its supervisor is not: adopting it with all its objects`,
} as const

/** Refuses a cluster that runs. `crashed` is one with its state, `remains` have none. */
function findLeftovers(layout: Layout): 'nothing' | keyof typeof notes {
  const state = readState(layout)
  const { name } = layout.config
  if (!state) return networkState(layout, nodesOn(layout)) === 'absent' ? 'nothing' : 'remains'
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
  return 'crashed'
}

async function start(layout: Layout, options: UpOptions, patience: AbortSignal): Promise<UpResult> {
  const { base, progress } = options
  const before = readState(layout)
  rmSync(readyFile(layout), { force: true })
  writeState(layout, { createdAt: new Date().toISOString(), ...before, config: layout.config })
  const supervisor = options.foreground ? undefined : loadSupervisor(layout, base)
  const [{ egress }] = await together([
    progress.phase('networks', () => network(layout, base)),
    progress.phase('keys and certificates', () => makeIdentities(layout)),
  ])
  writeAgentConfigs(layout)
  patience.throwIfAborted()
  const startedAt = new Date()
  supervisor?.begin()
  const supervision = supervisor ? undefined : await supervise(layout, base)
  try {
    const kubeconfig = await running(layout, options, { patience, ...(before && { adoptedAt: startedAt }) })
    return { layout, kubeconfig, egress, ...(supervision && { supervision }) }
  } catch (error) {
    await supervision?.stop()
    throw error
  }
}

interface Waiting {
  readonly patience: AbortSignal
  /** The cluster was there before. */
  readonly adoptedAt?: Date
}

/** Until all that was asked for runs; returns the kubeconfig that has the cluster's context. */
async function running(layout: Layout, options: UpOptions, { patience, adoptedAt }: Waiting): Promise<string> {
  const { progress, waitForSystem } = options
  const failure = new AbortController()
  const signal = AbortSignal.any([patience, failure.signal])
  const orGiveUp = <T>(work: Promise<T>) =>
    work.catch((error: unknown) => {
      failure.abort()
      throw error
    })
  const [kubeconfig] = await together([
    orGiveUp(mergeKubeconfig(layout, options.environment)),
    orGiveUp(checkNat(layout)),
    progress
      .phase('control plane', () => waitForControlPlane(layout, signal))
      .then(() =>
        progress.phase(layout.nodes.length > 1 ? 'nodes Ready' : 'node Ready', async () => {
          if (adoptedAt) await waitForAgents(layout, adoptedAt, signal)
          await waitForNodes(layout, signal)
        }),
      ),
  ])
  if (waitForSystem) {
    await progress.phase('kube-proxy and coredns ready', () => waitForSystemPods(layout, patience))
  }
  return kubeconfig
}

async function network(layout: Layout, base: string): Promise<{ egress: boolean }> {
  const nodes = nodesOn(layout)
  const state = networkState(layout, nodes)
  if (state === 'up') return { egress: layout.config.egress }
  // Containers of before cannot outlive their network: agents start them again, as after a machine's.
  if (state === 'partial' || existsSync(layout.nodes[0]?.dir ?? '')) await powerOff(layout)
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

/** What has ended this often will not come; the supervisor goes on trying. */
const controlPlanesMax = 4

async function waitForControlPlane(layout: Layout, patience: AbortSignal): Promise<void> {
  const seen = new Set<number>()
  while (!existsSync(readyFile(layout))) {
    if (patience.aborted) throw new Error('the control plane did not start in time')
    const pid = runningPid(layout, 'control-plane')
    if (pid !== undefined) seen.add(pid)
    if (seen.size > controlPlanesMax) throw new Error('the control plane ends whenever it is started')
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

const shownLines = 12
const shownColumns = 240

/** The end of each part's log, for the error that ends `up`. */
function lastLogLines(layout: Layout): string {
  const tails = partsOf(layout).flatMap((part) => {
    const file = logFile(layout, part)
    if (!existsSync(file)) return []
    const all = readFileSync(file, 'utf8').trimEnd().split('\n')
    const lines = all.slice(-shownLines).map((line) => line.slice(0, shownColumns))
    return lines.join('') === '' ? [] : [`\n--- the last lines of ${part}'s log\n${lines.join('\n')}`]
  })
  return tails.join('')
}
