/** Starts containers: what a run needs is made and recorded, then its shim goes on by itself. */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Exec } from '../../lib/exec.ts'
import type { Cgroups, ControlGroup } from './cgroups.ts'
import { containerSpec } from './container-spec.ts'
import { beginningOf, type ContainerConfig, leastLimits, RuntimeError } from './contract.ts'
import { notShared, separateMounts } from './host-mounts.ts'
import { prepareFiles } from './image-files.ts'
import type { Catalogue, Image } from './images.ts'
import { attemptsOf, bootId, newestRun, readSandbox, readStarted, type SandboxRecord, writeExit } from './observe.ts'
import {
  type AttemptPaths,
  attemptPaths,
  eventsDirectory,
  logFiles,
  netnsDirectory,
  type PodPaths,
  podPaths,
  readIfThere,
  replaceFile,
} from './paths.ts'
import { isAlive, killAll } from './processes.ts'
import { launchShim } from './shim.ts'
import { encodeSpec } from './spec.ts'
import { resolveUser } from './users.ts'

export interface StarterOptions {
  /** This node's pods: one directory each. */
  readonly stateDir: string
  /** The checkout, shown to containers at /opt/fairway. */
  readonly fairwayRoot: string
  /** Directories of the host that containers see empty. */
  readonly masked: readonly string[]
  readonly exec: Exec
  readonly cgroups: Cgroups
  readonly catalogue: Catalogue
}

export class Starter {
  readonly #options: StarterOptions
  readonly #hostMounts: readonly string[]

  constructor(options: StarterOptions) {
    this.#options = options
    const hidden = [...options.masked, options.stateDir]
    this.#hostMounts = separateMounts(readFileSync('/proc/self/mountinfo', 'utf8'), hidden)
  }

  /** Resolves when the shim has been started. */
  async start(uid: string, config: ContainerConfig): Promise<void> {
    const image = this.#options.catalogue.find(config.image)
    const pod = this.#paths(uid)
    const sandbox = readSandbox(pod)
    if (!sandbox) throw new RuntimeError('setup', `pod ${uid} has no sandbox`)
    checkShared(config)
    await this.#pruneAttempts(pod, config)
    const paths = attemptPaths(pod, config.name, config.attempt)
    const containerId = randomBytes(32).toString('hex')
    const user = resolveUser(config.user, accounts())
    const operations = containerSpec(config, image, {
      containerId,
      user,
      record: paths.directory,
      log: paths.log,
      eventMarker: join(eventsDirectory(this.#options.stateDir), uid),
      ...(sandbox.netns && { netns: join(netnsDirectory, sandbox.netns) }),
      ...(sandbox.ipc === 'pod' && { ipcns: pod.ipcns }),
      ...this.#processes(uid, sandbox, config),
      cgroups: await this.#containerCgroups(sandbox, config),
      utsns: pod.utsns,
      writable: paths.writable,
      fairwayRoot: this.#options.fairwayRoot,
      masked: this.#options.masked,
      hostMounts: this.#hostMounts,
      files: [...(await this.#imageFiles(image, paths.writable)), ...podFiles(pod)],
      message: paths.message,
    })
    mkdirSync(paths.directory, { recursive: true })
    writeFileSync(paths.message, '')
    chmodSync(paths.message, 0o666)
    writeFileSync(paths.spec, encodeSpec(operations), { mode: 0o600 })
    replaceFile(
      paths.record,
      JSON.stringify({
        id: containerId,
        sandbox: beginningOf(sandbox),
        image: config.image,
        crashes: config.crashes,
        user: { uid: user.uid, gid: user.gid, groups: user.groups },
        resources: config.resources,
        stopSignal: config.stopSignal ?? image.entry.stopSignal ?? 'SIGTERM',
        messageFallback: config.terminationMessage.fallback,
        createdAt: new Date().toISOString(),
        bootId,
      }),
    )
    await launchShim(paths.spec, (failure) => {
      void this.#shimLost(uid, paths, failure)
    })
  }

  /** Without its shim the program is ended by the kernel, a moment later. */
  async #shimLost(uid: string, paths: AttemptPaths, failure: string | undefined): Promise<void> {
    // The pod may have been removed with its shim.
    if (!existsSync(paths.directory)) return
    const started = readStarted(paths)
    if (failure) writeExit(paths, 128, failure)
    else if (started) await killAll([started.program])
    writeFileSync(join(eventsDirectory(this.#options.stateDir), uid), '')
  }

  /** Whose processes the container sees, unless they are its own. */
  #processes(uid: string, { processes }: SandboxRecord, { processesOf }: ContainerConfig): { pidns?: string } {
    if (processes !== 'own') return { pidns: processes === 'pod' ? this.#paths(uid).pidns : 'host' }
    if (!processesOf) return {}
    const target = newestRun(this.#paths(uid), processesOf)
    const started = target && readStarted(target)
    if (!started || !isAlive(started.program))
      throw new RuntimeError('setup', `container ${processesOf} is not running`)
    return { pidns: `/proc/${started.program.pid}/ns/pid` }
  }

  /** The last run's go when the next one begins. */
  async #containerCgroups(
    { cgroup }: SandboxRecord,
    { name, attempt, limits }: ContainerConfig,
  ): Promise<ControlGroup[]> {
    if (!cgroup) return []
    if (attempt > 0) await this.#options.cgroups.removeLeaf(`${cgroup}/${name}-${attempt - 1}`)
    return this.#options.cgroups.make(`${cgroup}/${name}-${attempt}`, limits ?? leastLimits, 'leaf')
  }

  #imageFiles(image: Image, writable: string) {
    mkdirSync(join(writable, 'home'), { recursive: true, mode: 0o700 })
    mkdirSync(join(writable, 'tmp'), { recursive: true })
    chmodSync(join(writable, 'tmp'), 0o1777)
    return prepareFiles(image, { writable, cache: join(this.#options.stateDir, '.images'), exec: this.#options.exec })
  }

  /** The last run stays for its log and status; its writable layer does not. */
  async #pruneAttempts(pod: PodPaths, { name }: ContainerConfig): Promise<void> {
    const [last, ...older] = attemptsOf(pod, name)
    if (last !== undefined) await rm(attemptPaths(pod, name, last).writable, { recursive: true, force: true })
    for (const attempt of older) {
      const paths = attemptPaths(pod, name, attempt)
      for (const path of [paths.directory, paths.writable, ...logFiles(paths)]) {
        await rm(path, { recursive: true, force: true })
      }
    }
  }

  #paths(uid: string): PodPaths {
    return podPaths(this.#options.stateDir, uid)
  }
}

function checkShared({ mounts }: ContainerConfig): void {
  for (const { source, propagation } of mounts) {
    if (propagation !== 'Bidirectional') continue
    const refusal = notShared(readFileSync('/proc/self/mountinfo', 'utf8'), source)
    if (refusal) throw new RuntimeError('setup', `failed to generate spec: ${refusal}`)
  }
}

/** A container's are the machine's. */
function accounts() {
  return { passwd: readIfThere('/etc/passwd') ?? '', group: readIfThere('/etc/group') ?? '' }
}

function podFiles(pod: PodPaths) {
  return [
    { source: pod.hosts, target: '/etc/hosts', access: 'rw' as const },
    { source: pod.resolvConf, target: '/etc/resolv.conf', access: 'rw' as const },
    { source: pod.hostname, target: '/etc/hostname', access: 'rw' as const },
  ]
}
