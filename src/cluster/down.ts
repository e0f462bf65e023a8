/** Takes a cluster away and leaves nothing of it: processes, mounts, namespaces, rules, files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../lib/exec.ts'
import { type Merged, removeFromUserKubeconfig } from './kubeconfig.ts'
import { networkState, removeNetwork } from './network.ts'
import { allPids, commandLine, kill, partsOf, processesInNamespaces, runningPid, waitForExit } from './processes.ts'
import type { Progress } from './progress.ts'
import { defaults, type Layout, layoutOf } from './settings.ts'
import { existingCluster, readState, removeBase, removeState, withLock } from './state.ts'
import { checkName } from './validation.ts'

const killTimeoutMs = 10_000

/**
 * The cluster as it was made. Of one whose settings are lost: what has its name; routes of ranges that were not the
 * default ones are not found. SettingsError when there is nothing.
 */
export function clusterToRemove(name: string, base: string): Layout {
  try {
    return existingCluster(name, base).layout
  } catch (error) {
    const remains = remainsOf(name, base)
    if (!remains) throw error
    return remains
  }
}

function remainsOf(name: string, base: string): Layout | undefined {
  checkName(name)
  const nodes = join(base, name, 'nodes')
  const count = existsSync(nodes) ? readdirSync(nodes).length : 0
  const layout = layoutOf({ ...defaults, name, nodes: Math.max(1, count) }, base)
  return networkState(layout, []) === 'absent' && !existsSync(layout.configFile) ? undefined : layout
}

export async function down(layout: Layout, base: string, progress: Progress): Promise<void> {
  await withLock(layout, base, async () => {
    const merged = mergedContext(layout)
    const takeOut = () => progress.phase('context taken out of the kubeconfig', () => removeContext(layout, merged))
    // Where the disk is full there is room once the cluster is gone.
    const takenOut = await takeOut().then(
      () => true,
      () => false,
    )
    await progress.phase('processes, pods and networks removed', () => stopAndRemove(layout))
    removeState(layout)
    if (!takenOut) await takeOut()
  })
  removeBase(base)
}

/** After a start that failed: as `down`, in silence. */
export async function removeEverything(layout: Layout): Promise<void> {
  await removeContext(layout, mergedContext(layout))
  await stopAndRemove(layout)
  removeState(layout)
}

/** As if the power of all nodes went: what was in memory is lost, what is on disk stays, that of pods too. */
export async function powerOff(layout: Layout): Promise<void> {
  await killAll(processesInNamespaces(layout))
  // Whatever joined a namespace meanwhile would keep it alive without a name.
  await killAll(processesInNamespaces(layout))
  await unmountBelow(layout.dir)
  await removeNetwork(layout)
}

async function stopAndRemove(layout: Layout): Promise<void> {
  // The supervisor first, for it would start again what it sees ending.
  await killAll(supervisors(layout))
  const parts = partsOf(layout).map((part) => runningPid(layout, part))
  await killAll(parts.filter((pid) => pid !== undefined))
  await killAll(processesInNamespaces(layout))
  const { removeAllPods } = await import('../node/index.ts')
  for (const node of layout.nodes) await removeAllPods(join(node.dir, 'pods'))
  await powerOff(layout)
}

/** By pid file and by command line: a start that was interrupted may have left one without a file. */
function supervisors(layout: Layout): number[] {
  const byFile = runningPid(layout, 'supervisor')
  const marker = `supervisor-main.ts ${layout.dir} `
  const found = allPids().filter((pid) => pid !== process.pid && `${commandLine(pid)} `.includes(marker))
  return [...new Set([...(byFile === undefined || byFile === process.pid ? [] : [byFile]), ...found])]
}

async function killAll(pids: readonly number[]): Promise<void> {
  const others = pids.filter((pid) => pid !== process.pid)
  for (const pid of others) kill(pid, 'SIGKILL')
  if (!(await waitForExit(others, killTimeoutMs))) {
    throw new Error(`processes ${others.join(' ')} do not end even when killed: they hang in the kernel`)
  }
}

function mergedContext(layout: Layout): Merged | undefined {
  try {
    return readState(layout)?.merged
  } catch {
    // Which file has it was a setting like the others, and is lost with them.
    return undefined
  }
}

async function removeContext(layout: Layout, merged: Merged | undefined): Promise<void> {
  if (merged) await removeFromUserKubeconfig(layout.context, merged)
}

/** Mounts that nobody else took away. Inner ones first. */
export async function unmountBelow(directory: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${directory}/`))
  if (mounts.length > 0) await run('umount', ['--lazy', ...mounts.reverse()])
}
