/** What the machine says about a pod: its files and its processes. Only reads, except for recording a lost end. */
import { readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Amounts, Attempt, ContainerExit, ContainerRuns, HostPort, PodObservation, Sandbox } from './contract.ts'
import { type AttemptPaths, attemptPaths, listPods, netnsDirectory, type PodPaths, readIfThere } from './paths.ts'
import { isAlive, type ProcessId } from './processes.ts'
import { terminationMessage } from './termination-message.ts'
import type { User } from './users.ts'

/** What `pod.json` holds. */
export interface SandboxRecord extends Sandbox {
  /** Absent with the node's network. */
  readonly netns?: string
  readonly hostPorts: readonly HostPort[]
  readonly processes: 'own' | 'pod' | 'host'
  readonly ipc: 'pod' | 'host'
  /** Its control group, under every mount of such; absent when it has none. */
  readonly cgroup?: string
  /** The machine's boot; namespaces and processes of another boot are gone. */
  readonly bootId: string
}

/** What `run.json` holds. */
export interface AttemptRecord {
  readonly id: string
  /** `beginningOf` its sandbox. */
  readonly sandbox: string
  readonly image: string
  readonly crashes: number
  readonly stopSignal: string
  readonly user?: Pick<User, 'uid' | 'gid' | 'groups'>
  readonly resources?: Amounts
  /** An empty termination message of a failed run is the end of its log. */
  readonly messageFallback: 'none' | 'log'
  readonly createdAt: string
  readonly bootId: string
}

/** A shim writes its start within this time, or it never will. */
const startDeadlineMs = 10_000

export const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

export function observePod(paths: PodPaths): PodObservation {
  const record = readSandbox(paths)
  const containers = new Map<string, ContainerRuns>()
  for (const name of containersOf(paths)) {
    const runs = observeContainer(paths, name)
    if (runs) containers.set(name, runs)
  }
  const remains = record !== undefined
  if (!record || !isWhole(paths, record)) return { remains, containers }
  return { sandbox: record, remains, containers }
}

export function readSandbox(paths: PodPaths): SandboxRecord | undefined {
  const text = readIfThere(paths.record)
  return text === undefined ? undefined : (JSON.parse(text) as SandboxRecord)
}

function isWhole(paths: PodPaths, record: SandboxRecord): boolean {
  if (record.bootId !== bootId || readIfThere(paths.ready) === undefined) return false
  if (record.processes === 'pod' && !isHeld(paths)) return false
  return isNamespace(paths.utsns) && (record.netns === undefined || isNamespace(join(netnsDirectory, record.netns)))
}

/** A process namespace lives as long as its first process. */
function isHeld(paths: PodPaths): boolean {
  const holder = readHolder(paths)
  return holder !== undefined && isAlive(holder)
}

export function readHolder({ holder }: PodPaths): ProcessId | undefined {
  const [pid, startTime] = readIfThere(holder)?.trim().split(' ') ?? []
  return pid && startTime ? { pid: Number(pid), startTime } : undefined
}

const nsfsMagic = 0x6e736673

export function isNamespace(path: string): boolean {
  try {
    return statfsSync(path).type === nsfsMagic
  } catch {
    return false
  }
}

export function attemptsOf(paths: PodPaths, container: string): number[] {
  return entries(join(paths.containers, container))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => b - a)
}

/** Where the current run of a container is kept. */
export function newestRun(paths: PodPaths, container: string): AttemptPaths | undefined {
  const [attempt] = attemptsOf(paths, container)
  return attempt === undefined ? undefined : attemptPaths(paths, container, attempt)
}

function observeContainer(paths: PodPaths, container: string): ContainerRuns | undefined {
  const [newest, older] = attemptsOf(paths, container)
  const current = newest === undefined ? undefined : observeAttempt(attemptPaths(paths, container, newest), newest)
  if (!current) return undefined
  const previous = older === undefined ? undefined : observeAttempt(attemptPaths(paths, container, older), older)
  return { current, ...(previous && { previous }) }
}

function observeAttempt(paths: AttemptPaths, attempt: number): Attempt | undefined {
  const record = readAttempt(paths)
  if (!record) return undefined
  const { id, sandbox, image, crashes, createdAt, user, resources } = record
  const started = readStarted(paths)
  const stopping = readIfThere(paths.stopping)
  const ended = readExit(paths) ?? recordLostEnd(paths, record, started)
  const message = ended && terminationMessage(paths, { failed: ended.code !== 0, fallback: record.messageFallback })
  const exit = message ? { ...ended, message } : ended
  return {
    attempt,
    id,
    sandbox,
    image,
    crashes,
    createdAt,
    ...(user && { user }),
    ...(resources && { resources }),
    ...(started && { startedAt: started.at }),
    ...(started && !exit && { pid: started.program.pid }),
    ...(exit && { exit }),
    ...(stopping !== undefined && { stopping: JSON.parse(stopping) as { at: string; graceSeconds: number } }),
  }
}

export function readAttempt(paths: AttemptPaths): AttemptRecord | undefined {
  const text = readIfThere(paths.record)
  return text === undefined ? undefined : (JSON.parse(text) as AttemptRecord)
}

export interface Started {
  readonly program: ProcessId
  readonly shim: ProcessId
  /** RFC 3339. */
  readonly at: string
}

export function readStarted(paths: AttemptPaths): Started | undefined {
  const [pid, pidStart, shim, shimStart, at] = readIfThere(paths.started)?.trim().split(' ') ?? []
  if (!pid || !pidStart || !shim || !shimStart || !at) return undefined
  return {
    program: { pid: Number(pid), startTime: pidStart },
    shim: { pid: Number(shim), startTime: shimStart },
    at,
  }
}

/** Runs on record whose shim has said nothing yet. */
export function startingRuns(paths: PodPaths): AttemptPaths[] {
  return containersOf(paths)
    .flatMap((name) => attemptsOf(paths, name).map((attempt) => attemptPaths(paths, name, attempt)))
    .filter((run) => readIfThere(run.started) === undefined && readIfThere(run.exit) === undefined)
}

export function containersOf(paths: PodPaths): string[] {
  return listPods(paths.containers)
}

function readExit(paths: AttemptPaths): ContainerExit | undefined {
  const text = readIfThere(paths.exit)
  if (text === undefined) return undefined
  const newline = text.indexOf('\n')
  const [code, signal, finishedAt = '', outOfMemory] = text.slice(0, newline).split(' ')
  return {
    code: Number(code),
    signal: Number(signal),
    finishedAt,
    startError: text.slice(newline + 1).trim(),
    ...(Number(outOfMemory) > 0 && { outOfMemory: true }),
  }
}

/** A shim that was killed records nothing; its program died with it (the kernel sees to that). */
function recordLostEnd(paths: AttemptPaths, record: AttemptRecord, started?: Started): ContainerExit | undefined {
  const sameBoot = record.bootId === bootId
  if (started) {
    if (sameBoot && (isAlive(started.shim) || isAlive(started.program))) return undefined
    return writeExit(paths, 137, '')
  }
  const age = Date.now() - new Date(record.createdAt).getTime()
  return sameBoot && age < startDeadlineMs ? undefined : writeExit(paths, 128, 'the container was never started')
}

/** Records an end the shim did not; its own record, if it came meanwhile, is kept. */
export function writeExit(paths: AttemptPaths, code: number, startError: string): ContainerExit {
  const finishedAt = new Date().toISOString()
  const signal = startError === '' ? code - 128 : 0
  try {
    writeFileSync(paths.exit, `${code} ${signal} ${finishedAt}\n${startError}`, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const found = readExit(paths)
    if (found) return found
  }
  return { code, signal, finishedAt, startError }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
