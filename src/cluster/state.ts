/** The cluster's directory: its settings, its lock, and what is known of a cluster that exists already. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Merged } from './kubeconfig.ts'
import { commandLine } from './processes.ts'
import { type ClusterConfig, defaults, type Layout, layoutOf, type NodeLayout, SettingsError } from './settings.ts'

/** What cluster.json holds. */
export interface ClusterState {
  readonly config: ClusterConfig
  readonly createdAt: string
  /** The user's kubeconfig that has our context; absent until that is written. */
  readonly merged?: Merged
}

export function readState(layout: Layout): ClusterState | undefined {
  return existsSync(layout.configFile) ? readStateFile(layout.configFile) : undefined
}

/** A cluster made before a setting existed has the default. */
function readStateFile(path: string): ClusterState {
  try {
    const state = JSON.parse(readFileSync(path, 'utf8')) as ClusterState
    return { ...state, config: { ...defaults, ...state.config } }
  } catch (error) {
    throw new SettingsError(`${path} cannot be read (${messageOf(error)}); fairway down removes what is there`)
  }
}

/** Whole or not at all: a disk that is full, or a crash, leaves the former state. */
export function writeState(layout: Layout, state: ClusterState): void {
  mkdirSync(layout.dir, { recursive: true, mode: 0o700 })
  const next = `${layout.configFile}.new`
  writeFileSync(next, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(next, layout.configFile)
}

/** The cluster called `name` as it was made; SettingsError when there is none. */
export function existingCluster(name: string, base: string): { layout: Layout; state: ClusterState } {
  const file = join(base, name, 'cluster.json')
  if (!existsSync(file)) {
    const others = clusterNames(base).filter((other) => other !== name)
    const hint = others.length > 0 ? `there is ${others.join(', ')}: choose with --name` : 'start one with: fairway up'
    throw new SettingsError(`no cluster ${JSON.stringify(name)} in ${base}; ${hint}`)
  }
  const state = readStateFile(file)
  return { layout: layoutOf(state.config, base), state }
}

/** There while a node is off by the user's wish. */
const stoppedFile = ({ dir }: NodeLayout) => join(dir, 'stopped')

export function isStopped(node: NodeLayout): boolean {
  return existsSync(stoppedFile(node))
}

export function setStopped(node: NodeLayout, stopped: boolean): void {
  if (stopped) writeFileSync(stoppedFile(node), '')
  else rmSync(stoppedFile(node), { force: true })
}

/** The nodes that should run. */
export function nodesOn({ nodes }: Layout): NodeLayout[] {
  return nodes.filter((node) => !isStopped(node))
}

/** SettingsError when the cluster has no such node. */
export function nodeNamed({ nodes, config }: Layout, name: string): NodeLayout {
  const node = nodes.find((one) => one.name === name)
  if (node) return node
  const names = nodes.map((one) => one.name).join(', ')
  throw new SettingsError(`cluster ${config.name} has no node ${JSON.stringify(name)}; it has ${names}`)
}

function clusterNames(base: string): string[] {
  if (!statSync(base, { throwIfNoEntry: false })?.isDirectory()) return []
  return readdirSync(base).filter((name) => existsSync(join(base, name, 'cluster.json')))
}

/** Runs `work` while no other `up` or `down` works on the same cluster. A lock whose holder is gone is taken over. */
export async function withLock<T>(layout: Layout, base: string, work: () => Promise<T>): Promise<T> {
  const file = join(base, `.${layout.config.name}.lock`)
  try {
    mkdirSync(base, { recursive: true, mode: 0o700 })
    takeLock(file, layout.config.name)
  } catch (error) {
    if (error instanceof SettingsError) throw error
    throw new SettingsError(
      `no state can be kept in ${base} (${messageOf(error)}): choose a directory with --state-dir`,
    )
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

/** A symbolic link to our pid: it is there with its content or not at all, and needs no room on a disk that is full. */
function takeLock(file: string, name: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      symlinkSync(String(process.pid), file)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const holder = lockHolder(file)
      if (attempt > 0 || (holder > 0 && commandLine(holder).includes('cli/main.ts'))) {
        throw new SettingsError(`cluster ${name}: another fairway command (pid ${holder}) is working on it right now`)
      }
      rmSync(file, { force: true })
    }
  }
}

/** 0 for what is no lock of ours. */
function lockHolder(file: string): number {
  try {
    return Number(readlinkSync(file))
  } catch {
    return 0
  }
}

export function removeState(layout: Layout): void {
  rmSync(layout.dir, { recursive: true, force: true })
}

/** The directory of all clusters, when none is left. */
export function removeBase(base: string): void {
  try {
    rmdirSync(base)
  } catch {
    // Other clusters, the lock that its holder still has, or a mount point: it stays.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
