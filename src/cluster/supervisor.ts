/**
 * Starts the control plane and the agents, and starts them again when they end. Imports as little as possible: its
 * memory is the price of every cluster.
 *
 * As a process of its own: supervisor-main.ts; inside `fairway up --foreground`: this function.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Backoff } from './backoff.ts'
import { kill, logFile, type Part, removePid, runningPid, waitForExit, writePid } from './processes.ts'
import { controlPlaneFlags, type Layout } from './settings.ts'
import { isStopped } from './state.ts'

const source = join(import.meta.dirname, '..')
/** A log that has grown past this is put aside (one generation) when its part starts. */
const logBytesMax = 20 * 1024 * 1024
const stopTimeoutMs = 5_000
/** What a process of its own reads from its standard input when the networks and keys of its parts are there. */
export const beginWord = 'begin'
/** Tells the supervisor that a node was switched on or off. */
export const lookAgainSignal = 'SIGUSR2'

export interface Supervision {
  /** Ends all parts; pods go on. */
  stop(): Promise<void>
}

interface PartSpec {
  readonly part: Part
  readonly command: readonly string[]
  /** Besides the supervisor's own environment. */
  readonly env?: Readonly<Record<string, string>>
  /** False while the part should not run: a stopped node's agent. */
  readonly wanted: () => boolean
}

/**
 * Buffers of streams (exec, port-forward) go back to the machine when they are done with: by malloc's own limit an agent
 * keeps 30 MB after the first 100 MB that passed. In exchange a gigabyte costs it some 4 s of a core, not 2.
 */
const agentEnvironment = { MALLOC_MMAP_THRESHOLD_: String(16 * 1024) }

function parts(layout: Layout, base: string): PartSpec[] {
  const inNamespace = (namespace: string, ...program: string[]) => [
    'nsenter',
    `--net=/run/netns/${namespace}`,
    process.execPath,
    ...process.execArgv,
    ...program,
  ]
  const controlPlane = join(source, 'cluster/control-plane.ts')
  return [
    {
      part: 'control-plane',
      command: inNamespace(
        layout.switchNamespace,
        ...controlPlaneFlags,
        controlPlane,
        layout.dir,
        base,
        layout.config.name,
      ),
      wanted: () => true,
    },
    ...layout.nodes.map((node) => ({
      part: node.name as Part,
      wanted: () => !isStopped(node),
      env: agentEnvironment,
      command: inNamespace(node.namespace, join(source, 'node/main.ts'), '--config', join(node.dir, 'agent.json')),
    })),
  ]
}

/** Takes over from a supervisor that was killed: parts it left running are ended first, and started again. */
export async function supervise(layout: Layout, base: string): Promise<Supervision> {
  mkdirSync(layout.logs, { recursive: true, mode: 0o700 })
  const stopping = new AbortController()
  let keepers: Keeper[] = []
  // Before anybody can find our pid: unheard, the signal would end us.
  const lookAgain = () => {
    for (const keeper of keepers) keeper.start()
  }
  process.on(lookAgainSignal, lookAgain)
  writePid(layout, 'supervisor', process.pid)
  const specs = parts(layout, base)
  await endLeftovers(
    layout,
    specs.map(({ part }) => part),
  )
  keepers = specs.map((spec) => new Keeper(layout, spec, stopping.signal))
  lookAgain()
  return {
    async stop() {
      stopping.abort()
      process.off(lookAgainSignal, lookAgain)
      await Promise.all(keepers.map((keeper) => keeper.stop()))
      removePid(layout, 'supervisor')
    },
  }
}

async function endLeftovers(layout: Layout, all: readonly Part[]): Promise<void> {
  const pids = all.map((part) => runningPid(layout, part)).filter((pid) => pid !== undefined)
  for (const pid of pids) kill(pid, 'SIGTERM')
  if (await waitForExit(pids, stopTimeoutMs)) return
  for (const pid of pids) kill(pid, 'SIGKILL')
  await waitForExit(pids, stopTimeoutMs)
}

/** Keeps one part running. */
class Keeper {
  readonly #layout: Layout
  readonly #spec: PartSpec
  readonly #stopping: AbortSignal
  readonly #backoff = new Backoff()
  #child: ChildProcess | undefined

  constructor(layout: Layout, spec: PartSpec, stopping: AbortSignal) {
    this.#layout = layout
    this.#spec = spec
    this.#stopping = stopping
  }

  /** Unless it runs already, or should not. */
  start(): void {
    const { part, command, env, wanted } = this.#spec
    if (this.#stopping.aborted || this.#child || !wanted()) return
    const [program = '', ...args] = command
    const log = openLog(logFile(this.#layout, part))
    const startedAt = Date.now()
    const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } })
    closeSync(log)
    this.#child = child
    if (child.pid !== undefined) writePid(this.#layout, part, child.pid)
    child.on('error', (error) => say('part cannot be started', { part, error: error.message }))
    child.on('close', (code, signal) => this.#ended(startedAt, signal ?? code))
  }

  #ended(startedAt: number, outcome: string | number | null): void {
    const { part } = this.#spec
    this.#child = undefined
    removePid(this.#layout, part)
    if (this.#stopping.aborted || !this.#spec.wanted()) return
    const delayMs = this.#backoff.next(Date.now() - startedAt)
    say('part ended; starting it again', { part, outcome, delayMs })
    setTimeout(() => this.start(), delayMs)
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (!child?.pid) return
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await ended
    clearTimeout(force)
  }
}

function openLog(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > logBytesMax) renameSync(path, `${path}.1`)
  return openSync(path, 'a', 0o600)
}

/** The same shape as the other parts' lines, without the price of their logger. */
function say(msg: string, fields: object): void {
  const line = { level: 'warn', time: new Date().toISOString(), part: 'supervisor', ...fields, msg }
  process.stderr.write(`${JSON.stringify(line)}\n`)
}
