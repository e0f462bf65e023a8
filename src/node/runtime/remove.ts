/** Taking a pod off the machine: processes, links, namespaces, mounts, files. Works from what is on disk alone. */
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Exec, run } from '../../lib/exec.ts'
import { disconnectPod } from './network.ts'
import {
  attemptsOf,
  isAlive,
  killIfAlive,
  isNamespace,
  readSandbox,
  readStarted,
  type SandboxRecord,
  type Started,
} from './observe.ts'
import { attemptPaths, listPods, netnsDirectory, type PodPaths, podPaths } from './paths.ts'

/** A killed process that does not end within this time hangs in the kernel. */
const killDeadlineMs = 5000

export async function removePodFromMachine(exec: Exec, paths: PodPaths): Promise<void> {
  await killPrograms(paths)
  const record = readSandbox(paths)
  if (record) await dismantleSandbox(exec, paths, record)
  await unmountBelow(exec, paths.directory)
  await rm(paths.directory, { recursive: true, force: true })
}

/** Everything of a node, without an API: for `fairway down`. */
export async function removeAllPods(stateDir: string, exec: Exec = run): Promise<void> {
  await Promise.all(listPods(stateDir).map((uid) => removePodFromMachine(exec, podPaths(stateDir, uid))))
}

async function killPrograms(paths: PodPaths): Promise<void> {
  const started = containersOf(paths).flatMap((name) =>
    attemptsOf(paths, name).flatMap((attempt) => readStarted(attemptPaths(paths, name, attempt)) ?? []),
  )
  await killRuns(started)
  for (const run of started) killIfAlive(run.shim, run.shimStart, 'SIGKILL')
}

/** Resolves when the programs and their shims have ended. */
export async function killRuns(started: readonly Started[]): Promise<void> {
  for (const run of started) killIfAlive(run.pid, run.pidStart, 'SIGKILL')
  const deadline = Date.now() + killDeadlineMs
  while (started.some(isRunning) && Date.now() < deadline) await sleep(2)
}

/** The shim too: it still writes into the pod's directory. */
function isRunning({ pid, pidStart, shim, shimStart }: Started): boolean {
  return isAlive(pid, pidStart) || isAlive(shim, shimStart)
}

function containersOf(paths: PodPaths): string[] {
  return listPods(paths.containers)
}

/** Removes namespaces and links; the pod's files stay. */
export async function dismantleSandbox(exec: Exec, paths: PodPaths, record: SandboxRecord): Promise<void> {
  await rm(paths.ready, { force: true })
  if (record.netns) {
    await disconnectPod(exec, record.netns)
    const path = join(netnsDirectory, record.netns)
    if (isNamespace(path)) await exec('umount', ['-l', path])
    await rm(path, { force: true })
  }
  const namespaces = [paths.ipcns, paths.utsns].filter(isNamespace)
  if (namespaces.length > 0) await exec('umount', ['-l', ...namespaces])
}

async function unmountBelow(exec: Exec, directory: string): Promise<void> {
  const points = mountPointsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), directory)
  if (points.length > 0) await exec('umount', ['-l', ...points])
  const left = mountPointsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), directory)
  // Removing files below a mount that is still there would remove what is mounted.
  if (left.length > 0) throw new Error(`cannot unmount ${left.join(', ')}`)
}

/** Deepest first. */
export function mountPointsBelow(mountinfo: string, directory: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8))),
    )
    .filter((point) => point.startsWith(`${directory}/`))
    .reverse()
}
