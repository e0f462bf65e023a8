/** The `process` runtime: programs of the host as containers. The thin edge over shim.pl, `ip` and the state directory. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, statfsSync, watch, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Exec, run } from '../../lib/exec.ts'
import { AddressPool } from './addresses.ts'
import { containerSpec } from './container-spec.ts'
import {
  type CommandLine,
  type ContainerConfig,
  type ExecRequest,
  type PodObservation,
  type Runtime,
  RuntimeError,
  type Sandbox,
  type SandboxConfig,
} from './contract.ts'
import { separateMounts } from './host-mounts.ts'
import { type Catalogue, type Image, loadCatalogue } from './images.ts'
import { prepareFiles } from './image-files.ts'
import { connectPod, prepareNode } from './network.ts'
import {
  attemptsOf,
  bootId,
  isAlive,
  killIfAlive,
  observePod,
  readAttempt,
  readSandbox,
  readStarted,
  type SandboxRecord,
  writeExit,
} from './observe.ts'
import {
  type AttemptPaths,
  attemptPaths,
  eventsDirectory,
  listPods,
  netnsDirectory,
  podPaths,
  type PodPaths,
} from './paths.ts'
import { dismantleSandbox, killRuns, removePodFromMachine } from './remove.ts'
import { encodeSpec, execOperations, type Operation } from './spec.ts'

export interface ProcessRuntimeOptions {
  /** This node's pods: one directory each. */
  readonly stateDir: string
  /** The checkout, shown to containers at /opt/fairway. */
  readonly fairwayRoot: string
  readonly nodeIP: string
  readonly podCIDR: string
  /** Names of pod network namespaces begin with it. */
  readonly netnsPrefix: string
  /** Directories of the host that containers see empty. */
  readonly masked: readonly string[]
  /** Catalogue files, the first match wins. */
  readonly catalogues: readonly string[]
  readonly exec?: Exec
}

export const shim = fileURLToPath(new URL('shim.pl', import.meta.url))

export class ProcessRuntime implements Runtime {
  readonly #options: ProcessRuntimeOptions
  readonly #exec: Exec
  readonly #catalogue: Catalogue
  readonly #addresses: AddressPool
  readonly #hostMounts: readonly string[]

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options
    this.#exec = options.exec ?? run
    this.#catalogue = loadCatalogue(options.catalogues)
    this.#addresses = new AddressPool(options.podCIDR)
    const hidden = [...options.masked, options.stateDir]
    this.#hostMounts = separateMounts(readFileSync('/proc/self/mountinfo', 'utf8'), hidden)
  }

  /** Prepares the node and takes over what is on the machine; then reports news of pods until the signal aborts. */
  async start(onEvent: (uid: string) => void, signal: AbortSignal): Promise<void> {
    const events = eventsDirectory(this.#options.stateDir)
    mkdirSync(events, { recursive: true })
    await prepareNode(this.#exec, this.#options.podCIDR)
    for (const uid of await this.pods()) {
      const record = readSandbox(this.#paths(uid))
      if (record && !record.hostNetwork) this.#addresses.adopt(record.ip)
    }
    const watcher = watch(events, (_, file) => {
      if (file) onEvent(file.replace(/\.new$/, ''))
    })
    signal.addEventListener('abort', () => watcher.close())
  }

  async pods(): Promise<string[]> {
    return listPods(this.#options.stateDir)
  }

  observe(uid: string): PodObservation {
    return observePod(this.#paths(uid))
  }

  async createSandbox(config: SandboxConfig): Promise<Sandbox> {
    const paths = this.#paths(config.uid)
    const known = observePod(paths).sandbox
    if (known) return known
    await this.#discardSandbox(paths)
    const record = this.#newRecord(config)
    makeDirectories(paths)
    writeFileSync(paths.record, JSON.stringify(record))
    writeFileSync(paths.hosts, config.hosts(record.ip))
    writeFileSync(paths.resolvConf, config.resolvConf)
    writeFileSync(paths.hostname, `${config.hostname}\n`)
    await this.#mountWritable(paths)
    await this.#makeNamespaces(paths, record, config.hostname)
    if (record.netns) await connectPod(this.#exec, { ...record, netns: record.netns, nodeIP: this.#options.nodeIP })
    writeFileSync(paths.ready, '')
    return record
  }

  async #discardSandbox(paths: PodPaths): Promise<void> {
    const half = readSandbox(paths)
    if (!half) return
    await dismantleSandbox(this.#exec, paths, half)
    this.#addresses.release(half.ip)
  }

  #newRecord({ uid, namespace, name, hostNetwork }: SandboxConfig): SandboxRecord {
    const ip = hostNetwork ? this.#options.nodeIP : this.#addresses.allocate()
    const createdAt = new Date().toISOString()
    const netns = `${this.#options.netnsPrefix}-${uid}`
    return { uid, namespace, name, hostNetwork, ip, createdAt, bootId, ...(!hostNetwork && { netns }) }
  }

  async #mountWritable({ writable }: PodPaths): Promise<void> {
    if (statfsSync(writable).type === overlayMagic) await this.mountMemory(writable)
  }

  async #makeNamespaces(paths: PodPaths, record: SandboxRecord, hostname: string): Promise<void> {
    const net: Operation[] = record.netns
      ? [
          ['netns', join(netnsDirectory, record.netns)],
          ['sysctl', '/proc/sys/net/ipv4/ip_unprivileged_port_start', '0'],
          ['sysctl', '/proc/sys/net/ipv4/ping_group_range', '0 2147483647'],
        ]
      : []
    const file = join(paths.directory, 'sandbox.spec')
    writeFileSync(file, encodeSpec([...net, ['ipcns', paths.ipcns], ['utsns', paths.utsns], ['hostname', hostname]]))
    const { code, stderr } = await this.#exec('perl', [shim, 'sandbox', file])
    if (code !== 0) throw new RuntimeError('setup', `failed to create pod namespaces: ${stderr.trim()}`)
  }

  checkImage(image: string): void {
    this.#catalogue.find(image)
  }

  async startContainer(uid: string, config: ContainerConfig): Promise<void> {
    const image = this.#catalogue.find(config.image)
    const pod = this.#paths(uid)
    const sandbox = readSandbox(pod)
    if (!sandbox) throw new RuntimeError('setup', `pod ${uid} has no sandbox`)
    await this.#pruneAttempts(pod, config)
    const paths = attemptPaths(pod, config.name, config.attempt)
    const containerId = randomBytes(32).toString('hex')
    const operations = containerSpec(config, image, {
      containerId,
      record: paths.directory,
      log: paths.log,
      eventMarker: join(eventsDirectory(this.#options.stateDir), uid),
      ...(sandbox.netns && { netns: join(netnsDirectory, sandbox.netns) }),
      ipcns: pod.ipcns,
      utsns: pod.utsns,
      writable: paths.writable,
      fairwayRoot: this.#options.fairwayRoot,
      masked: this.#options.masked,
      hostMounts: this.#hostMounts,
      files: [...(await this.#imageFiles(image, paths.writable)), ...podFiles(pod)],
    })
    mkdirSync(paths.directory, { recursive: true })
    writeFileSync(paths.spec, encodeSpec(operations), { mode: 0o600 })
    writeFileSync(
      paths.record,
      JSON.stringify({
        id: containerId,
        image: config.image,
        crashes: config.crashes,
        stopSignal: image.entry.stopSignal ?? 'SIGTERM',
        createdAt: new Date().toISOString(),
        bootId,
      }),
    )
    await launch(paths.spec, (failure) => {
      void this.#shimLost(uid, paths, failure)
    })
  }

  /** Without its shim the program is ended by the kernel, a moment later. */
  async #shimLost(uid: string, paths: AttemptPaths, failure: string | undefined): Promise<void> {
    const started = readStarted(paths)
    if (failure) writeExit(paths, 128, failure)
    else if (started) await killRuns([started])
    // The pod may have been removed with its shim.
    if (existsSync(paths.directory)) writeFileSync(join(eventsDirectory(this.#options.stateDir), uid), '')
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
      for (const path of [paths.directory, paths.writable, paths.log, `${paths.log}.1`]) {
        await rm(path, { recursive: true, force: true })
      }
    }
  }

  markStopping(uid: string, name: string, graceSeconds: number): void {
    const paths = this.#newest(uid, name)
    if (paths) writeFileSync(paths.stopping, JSON.stringify({ at: new Date().toISOString(), graceSeconds }))
  }

  signal(uid: string, name: string, signal: 'SIGTERM' | 'SIGKILL'): void {
    const paths = this.#newest(uid, name)
    const started = paths && readStarted(paths)
    if (!paths || !started) return
    const stopSignal = readAttempt(paths)?.stopSignal ?? 'SIGTERM'
    killIfAlive(started.pid, started.pidStart, signal === 'SIGTERM' ? stopSignal : signal)
  }

  async removePod(uid: string): Promise<void> {
    const paths = this.#paths(uid)
    const record = readSandbox(paths)
    await removePodFromMachine(this.#exec, paths)
    if (record && !record.hostNetwork) this.#addresses.release(record.ip)
    await rm(join(eventsDirectory(this.#options.stateDir), uid), { force: true })
  }

  execCommand(uid: string, name: string, { command, tty }: ExecRequest): CommandLine {
    const paths = this.#newest(uid, name)
    const started = paths && readStarted(paths)
    if (!paths || !started || !isAlive(started.pid, started.pidStart)) {
      throw new RuntimeError('setup', `container ${name} is not running`)
    }
    const operations: Operation[] = [
      ['target', String(started.pid)],
      ...execOperations(readFileSync(paths.spec, 'utf8')),
      ...(tty ? [['tty'] as const, ['env', 'TERM', 'xterm'] as const] : []),
      ...command.map((word): Operation => ['arg', word]),
    ]
    const file = join(paths.directory, `exec-${randomBytes(6).toString('hex')}`)
    writeFileSync(file, encodeSpec(operations), { mode: 0o600 })
    return { file: 'perl', args: [shim, 'exec', file], env: {} }
  }

  logFiles(uid: string, name: string, which: 'current' | 'previous'): string[] | undefined {
    const pod = this.#paths(uid)
    const attempt = attemptsOf(pod, name)[which === 'current' ? 0 : 1]
    if (attempt === undefined) return undefined
    const { log } = attemptPaths(pod, name, attempt)
    return [`${log}.1`, log]
  }

  volumeDirectory(uid: string, kind: string, volume: string): string {
    const directory = join(this.#paths(uid).volumes, kind, volume)
    mkdirSync(directory, { recursive: true })
    return directory
  }

  async mountMemory(directory: string, sizeLimit?: string): Promise<void> {
    if (statfsSync(directory).type === tmpfsMagic) return
    const options = ['mode=0755', ...(sizeLimit ? [`size=${sizeLimit}`] : [])].join(',')
    const { code, stderr } = await this.#exec('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory])
    if (code !== 0) throw new RuntimeError('setup', `failed to mount a tmpfs: ${stderr.trim()}`)
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

const overlayMagic = 0x794c7630
const tmpfsMagic = 0x01021994

function makeDirectories(paths: PodPaths): void {
  for (const path of [join(paths.directory, 'etc'), join(paths.directory, 'ns'), paths.writable, paths.containers]) {
    mkdirSync(path, { recursive: true, mode: 0o755 })
  }
}

function podFiles(pod: PodPaths) {
  return [
    { source: pod.hosts, target: '/etc/hosts', access: 'rw' as const },
    { source: pod.resolvConf, target: '/etc/resolv.conf', access: 'rw' as const },
    { source: pod.hostname, target: '/etc/hostname', access: 'rw' as const },
  ]
}

/** Starts a shim that goes on without us. `ended` is called when it ends other than well, with why if it says so. */
function launch(spec: string, ended: (failure: string | undefined) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('perl', [shim, 'run', spec], { detached: true, stdio: 'ignore' })
    child.once('spawn', () => resolve())
    child.once('error', (error) =>
      reject(new RuntimeError('setup', `failed to start the container's shim: ${error.message}`)),
    )
    child.once('exit', (code) => {
      if (code !== 0) ended(code === null ? undefined : `the container's shim ended with exit code ${code}`)
    })
    child.unref()
  })
}
