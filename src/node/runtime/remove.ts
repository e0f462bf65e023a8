/** Taking a pod off the machine: processes, links, namespaces, mounts, files. Works from what is on disk alone. */
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Exec, run } from '../../lib/exec.ts'
import { Cgroups } from './cgroups.ts'
import { disconnectPod } from './network.ts'
import {
  attemptsOf,
  containersOf,
  isNamespace,
  readHolder,
  readSandbox,
  readStarted,
  type SandboxRecord,
  startingRuns,
} from './observe.ts'
import { attemptPaths, listPods, netnsDirectory, type PodPaths, podPaths } from './paths.ts'
import { killAll, processesNaming } from './processes.ts'

export async function removePodFromMachine(exec: Exec, paths: PodPaths): Promise<void> {
  await killPrograms(paths)
  const record = readSandbox(paths)
  if (record) await dismantleSandbox(exec, paths, record)
  await unmountBelow(exec, paths.directory)
  await rm(paths.memory, { recursive: true, force: true })
  await rm(paths.directory, { recursive: true, force: true })
}

/** Everything of a node, without an API: for `fairway down`. */
export async function removeAllPods(stateDir: string, exec: Exec = run): Promise<void> {
  await Promise.all(listPods(stateDir).map((uid) => removePodFromMachine(exec, podPaths(stateDir, uid))))
  await unmountBelow(exec, stateDir)
}

/** The shims too: they still write into the pod's directory. */
async function killPrograms(paths: PodPaths): Promise<void> {
  const started = containersOf(paths).flatMap((name) =>
    attemptsOf(paths, name).flatMap((attempt) => readStarted(attemptPaths(paths, name, attempt)) ?? []),
  )
  const starting = processesNaming(new Set(startingRuns(paths).map(({ spec }) => spec)))
  await killAll([...starting, ...started.map(({ program }) => program)])
  await killAll(started.map(({ shim }) => shim))
}

/** Removes namespaces and links; the pod's files stay. */
export async function dismantleSandbox(exec: Exec, paths: PodPaths, record: SandboxRecord): Promise<void> {
  await rm(paths.ready, { force: true })
  const holder = readHolder(paths)
  if (holder) await killAll([holder])
  await rm(paths.holder, { force: true })
  if (record.cgroup) await new Cgroups().remove(record.cgroup)
  if (record.netns) {
    await disconnectPod(exec, record.netns)
    const path = join(netnsDirectory, record.netns)
    // Twice there, where an agent whose files were taken away made the pod's network anew.
    while (isNamespace(path) && (await exec('umount', ['-l', path])).code === 0);
    await rm(path, { force: true })
  }
  const namespaces = [paths.ipcns, paths.utsns, paths.pidns].filter(isNamespace)
  if (namespaces.length > 0) await exec('umount', ['-l', ...namespaces])
}

export async function unmountBelow(exec: Exec, directory: string): Promise<void> {
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
