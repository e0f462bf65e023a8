/** Where a node keeps its pods on disk. All names of the layout are here. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const netnsDirectory = '/run/netns'

export interface PodPaths {
  readonly directory: string
  /** The sandbox as JSON; written before anything is made, so that a crash leaves nothing unknown. */
  readonly record: string
  /** There once the sandbox is whole. */
  readonly ready: string
  readonly hosts: string
  readonly resolvConf: string
  readonly hostname: string
  readonly ipcns: string
  readonly utsns: string
  /** With a process namespace of the pod: it, and who holds it (process id and start time). */
  readonly pidns: string
  readonly holder: string
  /** Writable layers; a tmpfs where the file system cannot carry them. */
  readonly writable: string
  readonly containers: string
  readonly volumes: string
  /** Volumes that are never on disk. */
  readonly memory: string
}

/** One file system in memory for all pods of the node. */
export function memoryDirectory(stateDir: string): string {
  return join(stateDir, '.memory')
}

export function podPaths(stateDir: string, uid: string): PodPaths {
  const directory = join(stateDir, uid)
  return {
    directory,
    record: join(directory, 'pod.json'),
    ready: join(directory, 'ready'),
    hosts: join(directory, 'etc/hosts'),
    resolvConf: join(directory, 'etc/resolv.conf'),
    hostname: join(directory, 'etc/hostname'),
    ipcns: join(directory, 'ns/ipc'),
    utsns: join(directory, 'ns/uts'),
    pidns: join(directory, 'ns/pid'),
    holder: join(directory, 'holder'),
    writable: join(directory, 'rw'),
    containers: join(directory, 'containers'),
    volumes: join(directory, 'volumes'),
    memory: join(memoryDirectory(stateDir), uid),
  }
}

export interface AttemptPaths {
  readonly directory: string
  /** `AttemptRecord` as JSON. */
  readonly record: string
  readonly spec: string
  readonly started: string
  readonly exit: string
  readonly stopping: string
  /** What the program says of its end. */
  readonly message: string
  readonly log: string
  /** This run's writable layer. */
  readonly writable: string
}

export function attemptPaths(pod: PodPaths, container: string, attempt: number): AttemptPaths {
  const directory = join(pod.containers, container, String(attempt))
  return {
    directory,
    record: join(directory, 'run.json'),
    spec: join(directory, 'spec'),
    started: join(directory, 'started'),
    exit: join(directory, 'exit'),
    stopping: join(directory, 'stopping'),
    message: join(directory, 'message'),
    log: join(pod.containers, container, `${attempt}.log`),
    writable: join(pod.writable, `${container}-${attempt}`),
  }
}

/** The kubelet's containerLogMaxFiles. */
export const logFilesMax = 5

/** The files of a run's log: those put away, oldest first, then the one being written. Not all need be there. */
export function logFiles({ log }: Pick<AttemptPaths, 'log'>): string[] {
  const older = Array.from({ length: logFilesMax - 1 }, (_, index) => `${log}.${logFilesMax - 1 - index}`)
  return [...older, log]
}

/** The shims touch `UID` in here when there is news of a pod. */
export function eventsDirectory(stateDir: string): string {
  return join(stateDir, '.events')
}

/** The file's text, or undefined when it is not there. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all: a reader, or an agent that comes after a crash, never sees half of it. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

/** Names of the directories in a directory; hidden ones are not pods (or containers). */
export function listPods(stateDir: string): string[] {
  if (!existsSync(stateDir)) return []
  return readdirSync(stateDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
}
