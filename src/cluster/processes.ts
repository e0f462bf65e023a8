/** The cluster's processes as the machine sees them: by pid file, and by the network namespace they live in. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { clusterNamespaces } from './network.ts'
import type { Layout } from './settings.ts'

/** A part the supervisor runs, or the supervisor itself. `node-1` is that node's agent. */
export type Part = 'supervisor' | 'control-plane' | `node-${number}`

export function partsOf(layout: Layout): Part[] {
  return ['supervisor', 'control-plane', ...layout.nodes.map((node) => node.name as Part)]
}

export function logFile(layout: Layout, part: Part): string {
  return join(layout.logs, `${part}.log`)
}

function pidFile(layout: Layout, part: Part): string {
  return join(layout.run, `${part}.pid`)
}

export function writePid(layout: Layout, part: Part, pid: number): void {
  mkdirSync(layout.run, { recursive: true, mode: 0o700 })
  writeFileSync(pidFile(layout, part), `${pid}\n`)
}

export function removePid(layout: Layout, part: Part): void {
  rmSync(pidFile(layout, part), { force: true })
}

/** The part's pid if it runs now: a number that another program has got since does not count. */
export function runningPid(layout: Layout, part: Part): number | undefined {
  const file = pidFile(layout, part)
  if (!existsSync(file)) return undefined
  const pid = Number(readFileSync(file, 'utf8'))
  const command = pid > 0 ? commandLine(pid) : ''
  // `fairway up --foreground` is the supervisor itself, and names no directory.
  const inForeground = part === 'supervisor' && command.includes('src/cli/main.ts')
  return inForeground || command.includes(layout.dir) ? pid : undefined
}

/** Arguments joined by spaces; '' when there is no such process (or it is a zombie). */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** Processes in any network namespace of the cluster: control plane, agents, pods, and whoever was put there. */
export function processesInNamespaces(layout: Layout, namespaces = clusterNamespaces(layout)): number[] {
  const inodes = new Set(namespaces.map((name) => `net:[${statSync(`/run/netns/${name}`).ino}]`))
  if (inodes.size === 0) return []
  return allPids().filter((pid) => inodes.has(networkNamespaceOf(pid)))
}

export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function networkNamespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return ''
  }
}

/** Proportional set size in KiB; 0 when the process is gone. */
export function pssKib(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Waits until none of the processes runs any more; false when some still do at the deadline. */
export async function waitForExit(pids: readonly number[], timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (pids.some((pid) => commandLine(pid) !== '')) {
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return true
}

/** Exists while the API server listens. */
export function readyFile(layout: Layout): string {
  return join(layout.run, 'control-plane.ready')
}
