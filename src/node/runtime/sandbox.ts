/** Pod sandboxes: the pod's own files, namespaces, addresses and link. What is made is on record before it is made. */
import { mkdirSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Exec } from '../../lib/exec.ts'
import { AddressPools } from './addresses.ts'
import { type Cgroups, podGroup } from './cgroups.ts'
import { RuntimeError, type Sandbox, type SandboxConfig } from './contract.ts'
import { HostPorts, type PodPorts } from './host-ports.ts'
import { connectPod, podSysctls, prepareNode, trackConnections } from './network.ts'
import { bootId, observePod, readSandbox, type SandboxRecord } from './observe.ts'
import { listPods, memoryDirectory, netnsDirectory, type PodPaths, podPaths, replaceFile } from './paths.ts'
import { dismantleSandbox, unmountBelow } from './remove.ts'
import { shimCommand } from './shim.ts'
import { encodeSpec, type Operation } from './spec.ts'

export interface SandboxesOptions {
  readonly stateDir: string
  /** Primary first. */
  readonly nodeIPs: readonly string[]
  readonly podCIDRs: readonly string[]
  readonly netnsPrefix: string
  readonly exec: Exec
  readonly cgroups: Cgroups
}

export class Sandboxes {
  readonly #options: SandboxesOptions
  readonly #addresses: AddressPools
  readonly #hostPorts: HostPorts

  constructor(options: SandboxesOptions) {
    this.#options = options
    this.#addresses = new AddressPools(options.podCIDRs)
    this.#hostPorts = new HostPorts(options.exec, () => this.#podsWithPorts())
  }

  /** Prepares the node, takes note of the addresses in use, and sees to host ports until the signal aborts. */
  async start(signal: AbortSignal): Promise<void> {
    const { stateDir, exec, podCIDRs, netnsPrefix, cgroups } = this.#options
    const tracking = trackConnections(exec)
    await prepareNode(exec, podCIDRs)
    await cgroups.prepare(cgroupParent(netnsPrefix), listPods(stateDir))
    await this.#prepareMemory(memoryDirectory(stateDir))
    for (const uid of listPods(stateDir)) {
      const record = readSandbox(podPaths(stateDir, uid))
      if (record && !record.hostNetwork) this.#addresses.adopt(record.ips)
    }
    // Also when there are none: a former agent may have ended between a pod's removal and its rules'. Without nft there
    // are no rules, and a pod that needs some will say so.
    await this.#hostPorts.sync().catch(() => {})
    await tracking
    this.#hostPorts.watch(signal)
  }

  /** What a former agent made there for a pod it did not come to begin is nobody's; tokens among it. */
  async #prepareMemory(memory: string): Promise<void> {
    const { stateDir, exec } = this.#options
    mkdirSync(memory, { recursive: true, mode: 0o700 })
    await mountTmpfs(exec, memory)
    const known = new Set(listPods(stateDir))
    const orphans = listPods(memory).filter((uid) => !known.has(uid))
    await Promise.all(orphans.map((uid) => rm(join(memory, uid), { recursive: true, force: true })))
  }

  #podsWithPorts(): PodPorts[] {
    const { stateDir } = this.#options
    return listPods(stateDir).flatMap((uid) => {
      const record = readSandbox(podPaths(stateDir, uid))
      return record && hasPorts(record) ? [record] : []
    })
  }

  async create(config: SandboxConfig): Promise<Sandbox> {
    const paths = podPaths(this.#options.stateDir, config.uid)
    const known = observePod(paths).sandbox
    if (known) return known
    await this.#dismantle(paths)
    const record = this.#newRecord(paths, config)
    writeFileSync(paths.hosts, config.hosts(record.ips))
    writeFileSync(paths.resolvConf, config.resolvConf)
    writeFileSync(paths.hostname, `${config.hostname}\n`)
    await mountWritable(this.#options.exec, paths)
    await this.#makeNamespaces(paths, record, config)
    if (record.cgroup && config.limits) this.#options.cgroups.make(record.cgroup, config.limits, 'parent')
    if (record.netns) {
      await connectPod(this.#options.exec, { ...record, netns: record.netns, nodeIPs: this.#options.nodeIPs })
    }
    if (hasPorts(record)) await this.#hostPorts.open(record)
    writeFileSync(paths.ready, '')
    return record
  }

  /** Of a pod that has ended for good: gives back its address and all it holds of the kernel. Its logs stay. */
  async stop(uid: string): Promise<void> {
    const paths = podPaths(this.#options.stateDir, uid)
    await this.#dismantle(paths)
    await unmountBelow(this.#options.exec, paths.directory)
    for (const path of [paths.writable, paths.volumes, paths.memory]) await rm(path, { recursive: true, force: true })
  }

  /** The pod is off the machine; `record` is what it had. */
  async release(record: SandboxRecord | undefined): Promise<void> {
    if (!record) return
    if (!record.hostNetwork) this.#addresses.release(record.ips)
    if (hasPorts(record)) await this.#hostPorts.sync()
  }

  /** What is there of a sandbox, whole or half-made. */
  async #dismantle(paths: PodPaths): Promise<void> {
    const record = readSandbox(paths)
    if (!record) return
    await dismantleSandbox(this.#options.exec, paths, record)
    await rm(paths.record, { force: true })
    await this.release(record)
  }

  #newRecord(paths: PodPaths, config: SandboxConfig): SandboxRecord {
    const { nodeIPs, netnsPrefix } = this.#options
    const { uid, namespace, name, hostNetwork, hostPorts, processes, ipc, limits } = config
    makeDirectories(paths)
    const ips = hostNetwork ? nodeIPs : this.#addresses.allocate()
    const createdAt = new Date().toISOString()
    const netns = `${netnsPrefix}-${uid}`
    const record: SandboxRecord = {
      uid,
      namespace,
      name,
      hostNetwork,
      ips,
      createdAt,
      bootId,
      hostPorts,
      processes,
      ipc,
      ...(!hostNetwork && { netns }),
      // What shares processes with others can be ended as a whole only by its control group.
      ...((limits || processes !== 'own') && { cgroup: `${cgroupParent(netnsPrefix)}/${podGroup(uid)}` }),
    }
    try {
      replaceFile(paths.record, JSON.stringify(record))
    } catch (error) {
      this.#addresses.release(hostNetwork ? [] : ips)
      throw error
    }
    return record
  }

  async #makeNamespaces(
    paths: PodPaths,
    { netns, ips, processes, ipc }: SandboxRecord,
    { hostname, sysctls }: SandboxConfig,
  ): Promise<void> {
    const net: Operation[] = netns
      ? [
          ['netns', join(netnsDirectory, netns)],
          ...podSysctls(ips).map(([file, value]): Operation => ['sysctl', file, value, 'may']),
        ]
      : []
    const own: Operation[] = [
      ...(ipc === 'pod' ? [['ipcns', paths.ipcns] as const] : []),
      ['utsns', paths.utsns],
      ...(processes === 'pod' ? [['pidns', paths.pidns] as const, ['holder', paths.holder] as const] : []),
      ['hostname', hostname],
      ...sysctls.map(({ name, value }): Operation => ['sysctl', sysctlFile(name), value, 'must']),
    ]
    const file = join(paths.directory, 'sandbox.spec')
    writeFileSync(file, encodeSpec([...net, ...own]))
    const { file: program, args } = shimCommand('sandbox', file)
    const { code, stderr } = await this.#options.exec(program, args)
    if (code !== 0) throw new RuntimeError('setup', `failed to create pod namespaces: ${stderr.trim()}`)
  }
}

/** Dots and slashes change places in names that have a slash. */
function sysctlFile(name: string): string {
  return `/proc/sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`
}

/** Of the pods of a node. */
function cgroupParent(netnsPrefix: string): string {
  return `fairway/${netnsPrefix}`
}

function hasPorts(record: SandboxRecord): record is SandboxRecord & { netns: string } {
  return record.netns !== undefined && record.hostPorts.length > 0
}

function makeDirectories(paths: PodPaths): void {
  for (const path of [join(paths.directory, 'etc'), join(paths.directory, 'ns'), paths.writable, paths.containers]) {
    mkdirSync(path, { recursive: true, mode: 0o755 })
  }
}

const overlayMagic = 0x794c7630
const tmpfsMagic = 0x01021994

/** An overlay cannot be the writable layer of another. */
async function mountWritable(exec: Exec, { writable }: PodPaths): Promise<void> {
  if (statfsSync(writable).type === overlayMagic) await mountTmpfs(exec, writable)
}

function isMountPoint(directory: string): boolean {
  return statSync(directory).dev !== statSync(join(directory, '..')).dev
}

/** Once. */
export async function mountTmpfs(exec: Exec, directory: string, sizeBytes?: number): Promise<void> {
  if (statfsSync(directory).type === tmpfsMagic && isMountPoint(directory)) return
  const options = ['mode=0755', ...(sizeBytes ? [`size=${sizeBytes}`] : [])].join(',')
  const { code, stderr } = await exec('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory])
  if (code !== 0) throw new RuntimeError('setup', `failed to mount a tmpfs: ${stderr.trim()}`)
}
