/**
 * Control groups of pods and their containers: where the machine has them (v2, v1, or both side by side), and the files
 * that hold limits. Only containers that ask for something, or whose processes have no namespace of their own, get one.
 *
 *   MOUNT/fairway/NODE/podUID/CONTAINER-ATTEMPT
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Limits } from './contract.ts'
import { readIfThere } from './paths.ts'

export interface Hierarchy {
  readonly version: 1 | 2
  readonly mount: string
  /** What this one controls, of what we use. */
  readonly controllers: readonly Controller[]
}

/** One group in one hierarchy. */
export interface ControlGroup {
  readonly mount: string
  readonly directory: string
}

export type Controller = 'cpu' | 'memory'

const wanted: readonly Controller[] = ['cpu', 'memory']
const quotaPeriodUs = 100_000
const removeDeadlineMs = 2000

/**
 * From proc(5)'s mountinfo; `available` says what a v2 mount offers. A controller is used in one hierarchy only, and of
 * mounts at one place the last is the one to be seen.
 */
export function hierarchies(mountinfo: string, available: (mount: string) => string): Hierarchy[] {
  const found = mountinfo.split('\n').flatMap((line): Hierarchy[] => {
    const [before = '', after = ''] = line.split(' - ')
    const mount = before.split(' ')[4] ?? ''
    const [type, , options = ''] = after.split(' ')
    if (type === 'cgroup2') return [{ version: 2, mount, controllers: only(available(mount).split(/\s+/)) }]
    const controllers = type === 'cgroup' ? only(options.split(',')) : []
    return controllers.length > 0 ? [{ version: 1, mount, controllers }] : []
  })
  const seen = new Map(found.map((one) => [one.mount, one]))
  const visible = [...seen.values()]
  const first = (controller: Controller) => visible.find(({ controllers }) => controllers.includes(controller))
  return visible
    .map((one) => ({ ...one, controllers: one.controllers.filter((controller) => first(controller) === one) }))
    .filter(({ controllers, version }) => controllers.length > 0 || version === 2)
}

function only(names: readonly string[]): Controller[] {
  return wanted.filter((name) => names.includes(name))
}

/** File and text for each limit. */
export function limitFiles(version: 1 | 2, controllers: readonly Controller[], limits: Limits): [string, string][] {
  const { cpuShares, cpuQuotaUs, memoryBytes } = limits
  const cpu: [string, string][] =
    version === 2
      ? [
          ['cpu.weight', String(weightOf(cpuShares))],
          ...(cpuQuotaUs ? [['cpu.max', `${cpuQuotaUs} ${quotaPeriodUs}`] as [string, string]] : []),
        ]
      : [
          ['cpu.shares', String(cpuShares)],
          ...(cpuQuotaUs
            ? ([
                ['cpu.cfs_period_us', String(quotaPeriodUs)],
                ['cpu.cfs_quota_us', String(cpuQuotaUs)],
              ] as [string, string][])
            : []),
        ]
  const bound: [string, string][] = memoryBytes ? memoryFiles[version](String(memoryBytes)) : []
  return [...(controllers.includes('cpu') ? cpu : []), ...(controllers.includes('memory') ? bound : [])]
}

/** No swap, as the kubelet has it (memorySwap.swapBehavior: NoSwap). */
const memoryFiles: Readonly<Record<1 | 2, (bytes: string) => [string, string][]>> = {
  1: (bytes) => [
    ['memory.limit_in_bytes', bytes],
    ['memory.memsw.limit_in_bytes', bytes],
  ],
  2: (bytes) => [
    ['memory.max', bytes],
    ['memory.swap.max', '0'],
  ],
}

/** Kernels without accounting of swap do not have these. */
const isOptional = (file: string) => /swap|memsw/.test(file)

/** A v1 share as a v2 weight: 1024 shares are weight 100 (runc's conversion). */
export function weightOf(shares: number): number {
  if (shares <= 2) return 1
  if (shares >= 262_144) return 10_000
  const log = Math.log2(shares)
  return Math.ceil(10 ** ((log * (log + 125)) / 612 - 7 / 34))
}

export class Cgroups {
  #hierarchies: readonly Hierarchy[]

  constructor(found: readonly Hierarchy[] = ofThisMachine()) {
    this.#hierarchies = found
  }

  /** Controllers this machine does not give us. */
  get missing(): Controller[] {
    return wanted.filter((name) => !this.#hierarchies.some(({ controllers }) => controllers.includes(name)))
  }

  /**
   * For an agent that starts: what is mounted but cannot be written to (a container's view, say) is not used, and what
   * pods left that are not on record any more is taken away. `node` is the parent of its pods' groups.
   */
  async prepare(node: string, pods: readonly string[]): Promise<void> {
    this.#hierarchies = this.#hierarchies.filter((hierarchy) => isUsable(hierarchy, node))
    const known = new Set(pods.map(podGroup))
    const left = this.#hierarchies.flatMap(({ mount }) => childrenOf(join(mount, node)))
    for (const name of new Set(left.filter((one) => !known.has(one)))) await this.remove(join(node, name))
    for (const { mount } of this.#hierarchies) removeEmptyParents(mount, join(node, 'pod'))
  }

  /** Makes `path` (as under a mount) everywhere, with limits. Processes go into leaves only. */
  make(path: string, limits: Limits, leaf: 'leaf' | 'parent'): ControlGroup[] {
    return this.#hierarchies.map(({ version, mount, controllers }) => {
      const directory = join(mount, path)
      makeDirectory(directory)
      if (version === 2) delegate(mount, leaf === 'leaf' ? dirname(path) : path, controllers)
      for (const [file, text] of limitFiles(version, controllers, limits)) {
        if (!isOptional(file) || existsSync(join(directory, file))) writeFileSync(join(directory, file), text)
      }
      if (version === 2 && leaf === 'leaf' && controllers.includes('memory')) {
        // One process killed for all is no container any more.
        writeFileSync(join(directory, 'memory.oom.group'), '1')
      }
      return { mount, directory }
    })
  }

  /**
   * Other limits for a pod and one of its containers. What grows is let grow from above, what shrinks from below: the
   * kernel refuses a part that is larger than the whole. Throws, and changes nothing, when more memory is in use.
   */
  resize(pod: ResizedGroup, container: ResizedGroup): void {
    for (const group of [pod, container]) this.#checkMemory(group)
    this.#write(pod, 'may')
    this.#write(container, 'must')
    this.#write(pod, 'must')
  }

  #checkMemory({ path, limits: { memoryBytes = Infinity } }: ResizedGroup): void {
    for (const { version, mount } of this.#hierarchies) {
      const file = version === 2 ? 'memory.current' : 'memory.usage_in_bytes'
      const used = Number(readIfThere(join(mount, path, file)) ?? 0)
      if (used > memoryBytes) {
        throw new Error(`attempting to set memory limit (${memoryBytes}) below current usage (${used})`)
      }
    }
  }

  #write({ path, limits }: ResizedGroup, whether: 'may' | 'must'): void {
    for (const { version, mount, controllers } of this.#hierarchies) {
      const files = limitFiles(version, controllers, limits).map(([file, text]) => ({
        file: join(mount, path, file),
        text,
      }))
      // Twice: of memory and memory with swap, whichever grows must come first.
      for (const pass of ['may', whether] as const) {
        for (const { file, text } of files.filter((one) => existsSync(one.file))) tryWrite(file, text, pass)
      }
    }
  }

  /** Ends what still runs in it, and takes it and its children away; empty parents of ours too. */
  async remove(path: string): Promise<void> {
    await this.removeLeaf(path)
    for (const { mount } of this.#hierarchies) removeEmptyParents(mount, path)
  }

  /** Likewise, but its parents stay, with their limits. */
  async removeLeaf(path: string): Promise<void> {
    for (const { mount } of this.#hierarchies) {
      const deadline = Date.now() + removeDeadlineMs
      while (!removeTree(join(mount, path)) && Date.now() < deadline) await sleep(2)
    }
  }
}

interface ResizedGroup {
  readonly path: string
  readonly limits: Limits
}

function tryWrite(file: string, text: string, whether: 'may' | 'must'): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    if (whether === 'must') throw error
  }
}

/** Of a pod, in its node's. */
export function podGroup(uid: string): string {
  return `pod${uid}`
}

function isUsable({ version, mount, controllers }: Hierarchy, path: string): boolean {
  try {
    makeDirectory(join(mount, path))
    if (version === 2) delegate(mount, path, controllers)
    return true
  } catch {
    return false
  }
}

function removeEmptyParents(mount: string, path: string): void {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) removeEmpty(join(mount, parent))
}

function ofThisMachine(): Hierarchy[] {
  return hierarchies(readFileSync('/proc/self/mountinfo', 'utf8'), (mount) => {
    return readIfThere(join(mount, 'cgroup.controllers')) ?? ''
  })
}

/**
 * With its parents. Another pod's end may take an empty parent away while we are at it, hence the tries; Node's own
 * recursion would not end where the parent is there and refuses (a mounted group that somebody removed).
 */
function makeDirectory(directory: string, tries = 3): void {
  try {
    mkdirSync(directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || tries === 0) throw error
    makeDirectory(dirname(directory))
    makeDirectory(directory, tries - 1)
  }
}

/** v2: children have a controller when every parent passes it on. */
function delegate(mount: string, path: string, controllers: readonly Controller[]): void {
  const text = controllers.map((name) => `+${name}`).join(' ')
  if (text === '') return
  const parts = path.split('/')
  for (let depth = 0; depth <= parts.length; depth++) {
    writeFileSync(join(mount, ...parts.slice(0, depth), 'cgroup.subtree_control'), text)
  }
}

function childrenOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}

/** True when it is gone. */
function removeTree(directory: string): boolean {
  if (!existsSync(directory)) return true
  for (const child of childrenOf(directory)) removeTree(join(directory, child))
  // 0: of a process namespace that is not in sight; to a signal it would mean ourselves.
  const pids =
    readIfThere(join(directory, 'cgroup.procs'))
      ?.split('\n')
      .filter((pid) => pid !== '' && pid !== '0') ?? []
  for (const pid of pids) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended, or is of another namespace: the directory tells.
    }
  }
  return removeEmpty(directory)
}

function removeEmpty(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
