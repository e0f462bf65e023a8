/** The `process` runtime: programs of the host as containers. The thin edge over shim.pl, `ip` and the state directory. */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Exec, run } from '../../lib/exec.ts'
import { Cgroups, type ControlGroup } from './cgroups.ts'
import { containerSpec } from './container-spec.ts'
import {
  beginningOf,
  type CommandLine,
  type ContainerConfig,
  type ExecRequest,
  leastLimits,
  type PodObservation,
  type Resize,
  type Runtime,
  RuntimeError,
  type Sandbox,
  type SandboxConfig,
  type StorageUse,
} from './contract.ts'
import { notShared, separateMounts } from './host-mounts.ts'
import { prepareFiles } from './image-files.ts'
import { type Catalogue, type Image, loadCatalogue } from './images.ts'
import {
  attemptsOf,
  bootId,
  observePod,
  readAttempt,
  readSandbox,
  readStarted,
  type SandboxRecord,
  startingRuns,
  writeExit,
} from './observe.ts'
import {
  type AttemptPaths,
  attemptPaths,
  eventsDirectory,
  listPods,
  logFiles,
  netnsDirectory,
  type PodPaths,
  podPaths,
  readIfThere,
  replaceFile,
} from './paths.ts'
import { isAlive, killAll, killIfAlive, processesNaming } from './processes.ts'
import { removePodFromMachine } from './remove.ts'
import { mountTmpfs, Sandboxes } from './sandbox.ts'
import { launchShim, shimCommand } from './shim.ts'
import { encodeSpec, execOperations, type Operation } from './spec.ts'
import { measureStorage } from './storage.ts'
import { resolveUser } from './users.ts'

export interface ProcessRuntimeOptions {
  /** This node's pods: one directory each. */
  readonly stateDir: string
  /** The checkout, shown to containers at /opt/fairway. */
  readonly fairwayRoot: string
  /** Primary first, at most one of each family. */
  readonly nodeIPs: readonly string[]
  /** Likewise: a pod gets an address of each. */
  readonly podCIDRs: readonly string[]
  /** Names of pod network namespaces begin with it. */
  readonly netnsPrefix: string
  /** Directories of the host that containers see empty. */
  readonly masked: readonly string[]
  /** Catalogue files, the first match wins. */
  readonly catalogues: readonly string[]
  readonly exec?: Exec
}

export class ProcessRuntime implements Runtime {
  readonly #options: ProcessRuntimeOptions
  readonly #exec: Exec
  readonly #catalogue: Catalogue
  readonly #sandboxes: Sandboxes
  readonly #cgroups: Cgroups
  readonly #hostMounts: readonly string[]

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options
    this.#exec = options.exec ?? run
    this.#catalogue = loadCatalogue(options.catalogues)
    this.#cgroups = new Cgroups()
    this.#sandboxes = new Sandboxes({ ...options, exec: this.#exec, cgroups: this.#cgroups })
    const hidden = [...options.masked, options.stateDir]
    this.#hostMounts = separateMounts(readFileSync('/proc/self/mountinfo', 'utf8'), hidden)
  }

  /** Prepares the node and takes over what is on the machine; then reports news of pods until the signal aborts. */
  async start(onEvent: (uid: string) => void, signal: AbortSignal): Promise<void> {
    const events = eventsDirectory(this.#options.stateDir)
    mkdirSync(events, { recursive: true })
    await this.#sandboxes.start(signal)
    await this.#forgetUnstarted()
    const watcher = watch(events, (_, file) => {
      if (file) onEvent(file.replace(/\.new$/, ''))
    })
    signal.addEventListener('abort', () => watcher.close())
  }

  /** Runs that a former agent recorded, but whose shim it did not live to start. */
  async #forgetUnstarted(): Promise<void> {
    const starting = (await this.pods()).flatMap((uid) => startingRuns(this.#paths(uid)))
    const isDead = ({ spec }: AttemptPaths) => processesNaming(new Set([spec])).length === 0
    for (const run of starting.filter(isDead)) {
      // The shim may have come and gone between the two looks.
      if (readIfThere(run.exit) === undefined) await rm(run.directory, { recursive: true, force: true })
    }
  }

  get unlimited(): readonly ('cpu' | 'memory')[] {
    return this.#cgroups.missing
  }

  async pods(): Promise<string[]> {
    return listPods(this.#options.stateDir)
  }

  observe(uid: string): PodObservation {
    return observePod(this.#paths(uid))
  }

  createSandbox(config: SandboxConfig): Promise<Sandbox> {
    return this.#sandboxes.create(config)
  }

  restartSandbox(uid: string): void {
    const paths = this.#paths(uid)
    const record = readSandbox(paths)
    if (!record) return
    replaceFile(paths.record, JSON.stringify({ ...record, restartedAt: new Date().toISOString() }))
  }

  stopSandbox(uid: string): Promise<void> {
    return this.#sandboxes.stop(uid)
  }

  checkImage(image: string): void {
    this.#catalogue.find(image)
  }

  async startContainer(uid: string, config: ContainerConfig): Promise<void> {
    const image = this.#catalogue.find(config.image)
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
    const target = this.#newest(uid, processesOf)
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
    if (attempt > 0) await this.#cgroups.removeLeaf(`${cgroup}/${name}-${attempt - 1}`)
    return this.#cgroups.make(`${cgroup}/${name}-${attempt}`, limits ?? leastLimits, 'leaf')
  }

  #imageFiles(image: Image, writable: string) {
    mkdirSync(join(writable, 'home'), { recursive: true, mode: 0o700 })
    mkdirSync(join(writable, 'tmp'), { recursive: true })
    chmodSync(join(writable, 'tmp'), 0o1777)
    return prepareFiles(image, { writable, cache: join(this.#options.stateDir, '.images'), exec: this.#exec })
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

  resize(uid: string, name: string, { resources, container, pod }: Resize): void {
    const paths = this.#newest(uid, name)
    const record = paths && readAttempt(paths)
    const group = readSandbox(this.#paths(uid))?.cgroup
    if (!paths || !record) return
    if (group) {
      const [attempt] = attemptsOf(this.#paths(uid), name)
      this.#cgroups.resize({ path: group, limits: pod }, { path: `${group}/${name}-${attempt}`, limits: container })
    }
    replaceFile(paths.record, JSON.stringify({ ...record, resources }))
  }

  markStopping(uid: string, name: string, graceSeconds: number): void {
    const paths = this.#newest(uid, name)
    if (paths) replaceFile(paths.stopping, JSON.stringify({ at: new Date().toISOString(), graceSeconds }))
  }

  signal(uid: string, name: string, signal: 'SIGTERM' | 'SIGKILL'): void {
    const paths = this.#newest(uid, name)
    const started = paths && readStarted(paths)
    if (!paths || !started) return
    const stopSignal = readAttempt(paths)?.stopSignal ?? 'SIGTERM'
    killIfAlive(started.program, signal === 'SIGTERM' ? stopSignal : signal)
  }

  async removePod(uid: string): Promise<void> {
    const paths = this.#paths(uid)
    const record = readSandbox(paths)
    await removePodFromMachine(this.#exec, paths)
    await this.#sandboxes.release(record)
    await rm(join(eventsDirectory(this.#options.stateDir), uid), { force: true })
  }

  execCommand(uid: string, name: string, { command, tty }: ExecRequest): CommandLine {
    const paths = this.#newest(uid, name)
    const started = paths && readStarted(paths)
    if (!paths || !started || !isAlive(started.program)) {
      throw new RuntimeError('setup', `container ${name} is not running`)
    }
    const operations: Operation[] = [
      ['target', String(started.program.pid)],
      ...execOperations(readFileSync(paths.spec, 'utf8')),
      ...(tty ? [['tty'] as const, ['env', 'TERM', 'xterm'] as const] : []),
      ...command.map((word): Operation => ['arg', word]),
    ]
    const file = join(paths.directory, `exec-${randomBytes(6).toString('hex')}`)
    writeFileSync(file, encodeSpec(operations), { mode: 0o600 })
    return shimCommand('exec', file)
  }

  logFiles(uid: string, name: string, which: 'current' | 'previous'): string[] | undefined {
    const pod = this.#paths(uid)
    const attempt = attemptsOf(pod, name)[which === 'current' ? 0 : 1]
    if (attempt === undefined) return undefined
    return logFiles(attemptPaths(pod, name, attempt))
  }

  volumeDirectory(uid: string, kind: 'api' | 'empty', volume: string): string {
    const { memory, volumes } = this.#paths(uid)
    const directory = kind === 'api' ? join(memory, volume) : join(volumes, kind, volume)
    mkdirSync(directory, { recursive: true })
    return directory
  }

  storageUse(uid: string): Promise<StorageUse> {
    return measureStorage(this.#exec, this.#paths(uid))
  }

  mountMemory(directory: string, sizeLimit?: string): Promise<void> {
    return mountTmpfs(this.#exec, directory, sizeLimit)
  }

  #newest(uid: string, name: string) {
    const pod = this.#paths(uid)
    const [attempt] = attemptsOf(pod, name)
    return attempt === undefined ? undefined : attemptPaths(pod, name, attempt)
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
