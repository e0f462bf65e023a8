/** The `process` runtime: programs of the host as containers. The thin edge over shim.pl, `ip` and the state directory. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Exec, run } from '../../lib/exec.ts'
import { Cgroups } from './cgroups.ts'
import {
  type CommandLine,
  type ContainerConfig,
  type ExecRequest,
  type PodObservation,
  type Resize,
  type Runtime,
  RuntimeError,
  type Sandbox,
  type SandboxConfig,
  type StorageUse,
} from './contract.ts'
import { type Catalogue, loadCatalogue } from './images.ts'
import { attemptsOf, newestRun, observePod, readAttempt, readSandbox, readStarted, startingRuns } from './observe.ts'
import {
  type AttemptPaths,
  attemptPaths,
  eventsDirectory,
  listPods,
  logFiles,
  type PodPaths,
  podPaths,
  readIfThere,
  replaceFile,
} from './paths.ts'
import { isAlive, killIfAlive, processesNaming } from './processes.ts'
import { removePodFromMachine } from './remove.ts'
import { mountTmpfs, Sandboxes } from './sandbox.ts'
import { shimCommand } from './shim.ts'
import { encodeSpec, execOperations, type Operation } from './spec.ts'
import { Starter } from './starter.ts'
import { measureStorage } from './storage.ts'

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
  readonly #starter: Starter

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options
    this.#exec = options.exec ?? run
    this.#catalogue = loadCatalogue(options.catalogues)
    this.#cgroups = new Cgroups()
    this.#sandboxes = new Sandboxes({ ...options, exec: this.#exec, cgroups: this.#cgroups })
    this.#starter = new Starter({ ...options, exec: this.#exec, cgroups: this.#cgroups, catalogue: this.#catalogue })
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

  startContainer(uid: string, config: ContainerConfig): Promise<void> {
    return this.#starter.start(uid, config)
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

  mountMemory(directory: string, sizeBytes: number): Promise<void> {
    return mountTmpfs(this.#exec, directory, sizeBytes)
  }

  #newest(uid: string, name: string): AttemptPaths | undefined {
    return newestRun(this.#paths(uid), name)
  }

  #paths(uid: string): PodPaths {
    return podPaths(this.#options.stateDir, uid)
  }
}
