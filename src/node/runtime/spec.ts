/** What the shim is told: operations with their operands, as NUL-terminated strings (shim.pl reads them). */

export type Operation =
  | readonly ['log', path: string, maxBytes: string]
  | readonly ['keep', logFiles: string]
  | readonly ['record', directory: string, containerId: string]
  | readonly ['event', markerFile: string]
  | readonly ['netns' | 'ipcns' | 'utsns' | 'pidns', path: string]
  | readonly ['holder', file: string]
  | readonly ['cgroup', directory: string]
  | readonly ['oomscore', value: string]
  | readonly ['hostname', name: string]
  | readonly ['sysctl', file: string, value: string, whether: 'must' | 'may']
  | readonly ['overlay', root: string, lower: string, upper: string, work: string]
  | readonly ['nolinks', source: string]
  | readonly ['bind', source: string, target: string, access: 'rro' | 'ro' | 'rw']
  | readonly ['tree', source: string, target: string, access: 'ro' | 'rw', propagation: 'slave' | 'shared']
  | readonly ['tmpfs', target: string, mode: string, size: string]
  | readonly ['mask', target: string]
  | readonly ['dev', whose: 'own' | 'host']
  | readonly ['proc' | 'sys', access: 'ro' | 'rw']
  | readonly ['readonly', target: string]
  | readonly ['target', pid: string]
  | readonly ['tty']
  | readonly ['stdin', how: 'open' | 'once']
  | readonly ['listen', directory: string, name: string]
  | readonly ['cwd', directory: string]
  | readonly ['user', uid: string, gid: string, groups: string]
  | readonly ['caps', hexMask: string]
  | readonly ['nonewprivs']
  | readonly ['seccomp', hexFilter: string]
  | readonly ['env', name: string, value: string]
  | readonly ['arg', value: string]

export function encodeSpec(operations: readonly Operation[]): string {
  return operations
    .flat()
    .map((word) => `${word}\0`)
    .join('')
}

/** The operations that make a process what the container is; `exec` repeats them. */
const processOperations = new Set(['cgroup', 'oomscore', 'cwd', 'user', 'caps', 'nonewprivs', 'seccomp', 'env'])

/** From a container's stored spec, the part that a command run inside it shares. */
export function execOperations(spec: string): Operation[] {
  const words = spec.split('\0')
  const found: Operation[] = []
  for (let i = 0; i < words.length - 1; ) {
    const name = words[i] as keyof typeof arity
    const count = arity[name]
    if (processOperations.has(name)) found.push(words.slice(i, i + 1 + count) as unknown as Operation)
    i += 1 + count
  }
  return found
}

/** Operands of each operation; shim.pl has the same table. */
const arity: Readonly<Record<Operation[0], number>> = {
  log: 2,
  keep: 1,
  record: 2,
  event: 1,
  netns: 1,
  ipcns: 1,
  utsns: 1,
  pidns: 1,
  holder: 1,
  cgroup: 1,
  oomscore: 1,
  hostname: 1,
  sysctl: 3,
  overlay: 4,
  nolinks: 1,
  bind: 3,
  tree: 4,
  tmpfs: 3,
  mask: 1,
  dev: 1,
  proc: 1,
  sys: 1,
  readonly: 1,
  target: 1,
  tty: 0,
  stdin: 1,
  listen: 2,
  cwd: 1,
  user: 3,
  caps: 1,
  nonewprivs: 0,
  seccomp: 1,
  env: 2,
  arg: 1,
}
