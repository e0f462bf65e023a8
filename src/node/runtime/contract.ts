/**
 * What the pod manager asks of a runtime. A runtime keeps everything it must remember in the pod's state directory, so
 * that a new agent finds the pods of the last one: `observe` reads the machine, not memory.
 */
import type { User, UserRequest } from './users.ts'

/** A pod's own network, or its node's. */
export interface SandboxConfig {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly hostname: string
  readonly hostNetwork: boolean
  readonly hostPorts: readonly HostPort[]
  /** Name and value, of the pod's network namespace and the like. */
  readonly sysctls: readonly { readonly name: string; readonly value: string }[]
  /** Whose processes a container of the pod sees. */
  readonly processes: 'own' | 'pod' | 'host'
  readonly ipc: 'pod' | 'host'
  /** Of all its containers together. */
  readonly limits?: Limits
  /** Written into the pod's `/etc/hosts` once the addresses are known. */
  readonly hosts: (podIPs: readonly string[]) => string
  readonly resolvConf: string
}

/** A port of the node that leads to the pod. */
export interface HostPort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly hostPort: number
  readonly containerPort: number
  /** Absent: every address of the node. */
  readonly hostIP?: string
}

/** Amounts as the pod says them, by resource name. */
export interface Amounts {
  readonly requests?: Readonly<Record<string, string>>
  readonly limits?: Readonly<Record<string, string>>
}

/** What a control group lets its processes use. */
export interface Limits {
  /** Weight of its claim, 1024 for each CPU. */
  readonly cpuShares: number
  /** Of each 100 ms. */
  readonly cpuQuotaUs?: number
  readonly memoryBytes?: number
}

/** Of what asks for nothing. */
export const leastLimits: Limits = { cpuShares: 2 }

export interface Sandbox {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly hostNetwork: boolean
  /** Primary first; the node's own with its network. */
  readonly ips: readonly string[]
  /** RFC 3339. */
  readonly createdAt: string
  /** When all its containers last began anew in it, if ever. RFC 3339. */
  readonly restartedAt?: string
}

/** What the runs belong to that are made now: when the pod last began, in its sandbox or with it. */
export function beginningOf({ createdAt, restartedAt }: Sandbox): string {
  return restartedAt ?? createdAt
}

export interface Mount {
  readonly source: string
  readonly target: string
  /** `recursive`: what is mounted below it, too. */
  readonly readOnly: boolean | 'recursive'
  /** `refused` where containers can write: a link in the source's path leads out of their volume. */
  readonly sourceLinks: 'followed' | 'refused'
  readonly propagation: 'None' | 'HostToContainer' | 'Bidirectional'
}

export interface ContainerConfig {
  readonly name: string
  /** 0 for the first start; one more for each restart. */
  readonly attempt: number
  /** Starts in a row without a long healthy run, before this one; back-off counts them. */
  readonly crashes: number
  readonly image: string
  /** Overrides the image's entry point. */
  readonly command?: readonly string[]
  /** Overrides the image's arguments. */
  readonly args?: readonly string[]
  readonly workingDir?: string
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  readonly privileged: boolean
  /** Names without CAP_. */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] }
  readonly user: UserRequest
  readonly readOnlyRoot: boolean
  readonly noNewPrivileges: boolean
  /** What of /proc and /sys is hidden: the usual, or nothing. */
  readonly procMount: 'Default' | 'Unmasked'
  readonly seccomp: 'Unconfined' | 'RuntimeDefault'
  /** Where the program says why it ended; `log`: an empty word of a failed run is the end of its log. */
  readonly terminationMessage: { readonly path: string; readonly fallback: 'none' | 'log' }
  readonly limits?: Limits
  /** What `limits` comes from; kept to be told. */
  readonly resources: Amounts
  /** oom_score_adj. */
  readonly oomScore: number
  /** Sees the processes of this container of its pod. */
  readonly processesOf?: string
  /** Instead of the image's. */
  readonly stopSignal?: string
  /** `once`: its input ends when the first client that attached to it leaves. Absent: it has none. */
  readonly stdin?: 'open' | 'once'
  readonly tty: boolean
}

export interface Resize {
  readonly resources: Amounts
  readonly container: Limits
  readonly pod: Limits
}

export interface ContainerExit {
  /** 128 + signal when killed by one. */
  readonly code: number
  readonly signal: number
  /** RFC 3339. */
  readonly finishedAt: string
  /** Why it never ran; '' when it did. */
  readonly startError: string
  /** What it left at its termination message path. */
  readonly message?: string
  /** The kernel killed of it what exceeded its memory limit. */
  readonly outOfMemory?: boolean
}

/** One run of a container, as the machine shows it. */
export interface Attempt {
  readonly attempt: number
  readonly crashes: number
  /** `beginningOf` its sandbox. */
  readonly sandbox: string
  readonly id: string
  readonly image: string
  readonly createdAt: string
  readonly startedAt?: string
  /** Absent when it was made by an older agent. */
  readonly user?: Pick<User, 'uid' | 'gid' | 'groups'>
  /** What it holds now. Absent when it was made by an older agent. */
  readonly resources?: Amounts
  /** The program's process id on the node while it runs. */
  readonly pid?: number
  readonly exit?: ContainerExit
  /** When it was told to end, and how long it may take. */
  readonly stopping?: { readonly at: string; readonly graceSeconds: number }
}

/** The last two runs of each container. */
export interface ContainerRuns {
  readonly current: Attempt
  readonly previous?: Attempt
}

export interface PodObservation {
  /** Only when it is whole. */
  readonly sandbox?: Sandbox
  /** Something of a sandbox is on record, whole or not. */
  readonly remains: boolean
  readonly containers: ReadonlyMap<string, ContainerRuns>
}

/** What a pod holds of the disk, in bytes. */
export interface StorageUse {
  /** Of each emptyDir, by volume. */
  readonly volumes: ReadonlyMap<string, number>
  /** Logs and writable layer of each container. */
  readonly containers: ReadonlyMap<string, number>
}

export interface ExecRequest {
  readonly command: readonly string[]
  readonly tty: boolean
}

export interface CommandLine {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** `image`: nobody can provide it. `imageName`: it can be nobody's name. `setup`: the machine refused; may succeed later. */
export class RuntimeError extends Error {
  readonly code: 'image' | 'imageName' | 'setup'

  constructor(code: RuntimeError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RuntimeError'
    this.code = code
  }
}

export interface Runtime {
  /** Uids of all pods with anything left on this machine. */
  pods(): Promise<string[]>
  observe(uid: string): PodObservation
  /** Idempotent; leftovers of a half-made sandbox are removed first. */
  createSandbox(config: SandboxConfig): Promise<Sandbox>
  /** All containers that have run are of a former beginning from now on. */
  restartSandbox(uid: string): void
  /** A pod that has ended gives back its address and all it holds of the kernel; logs and records stay. */
  stopSandbox(uid: string): Promise<void>
  /** Resources whose limits this machine cannot hold containers to. */
  readonly unlimited: readonly ('cpu' | 'memory')[]
  /** Throws RuntimeError `image` when the image cannot be had. */
  checkImage(image: string): void
  /** Resolves when the shim has been started; `observe` shows what came of it, `onEvent` says when to look. */
  startContainer(uid: string, config: ContainerConfig): Promise<void>
  /** Holds a running container, and its pod, to other limits. Throws when it uses more than it may then. */
  resize(uid: string, name: string, change: Resize): void
  /** Notes that the container must end, for this agent and the next. */
  markStopping(uid: string, name: string, graceSeconds: number): void
  signal(uid: string, name: string, signal: 'SIGTERM' | 'SIGKILL'): void
  /** Kills what runs and removes namespaces, links, mounts and files. */
  removePod(uid: string): Promise<void>
  /**
   * A command line that runs `command` inside the container with the caller's stdio. With a terminal the caller also
   * gives file descriptor 3, and writes `COLUMNS ROWS` and a newline to it for each size.
   */
  execCommand(uid: string, name: string, request: ExecRequest): CommandLine
  /** In order, also those that are not there (yet); undefined when there was no such run. */
  logFiles(uid: string, name: string, which: 'current' | 'previous'): string[] | undefined
  /** A directory for a volume, made when asked for. What comes from the API (`api`) is kept in memory only. */
  volumeDirectory(uid: string, kind: 'api' | 'empty', volume: string): string
  storageUse(uid: string): Promise<StorageUse>
  /** Mounts a tmpfs of this size at a volume directory, once. */
  mountMemory(directory: string, sizeBytes: number): Promise<void>
}
