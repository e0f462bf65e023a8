/** Linux capabilities as a mask, in the kernel's numbering (capability.h). */

const names = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const

export type Capability = (typeof names)[number]

/** What containerd gives a container that asks for nothing. */
const defaults: readonly Capability[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
]

export interface CapabilityRequest {
  readonly privileged: boolean
  readonly add: readonly string[]
  readonly drop: readonly string[]
}

/** What the container may hold. `ALL` in add goes first, then `ALL` in drop, then add, then drop (containerd's order). */
export function heldCapabilities({ privileged, add, drop }: CapabilityRequest): ReadonlySet<Capability> {
  if (privileged) return new Set(names)
  const [adds, drops] = [add.map(plain), drop.map(plain)]
  const all = drops.includes('ALL') ? [] : adds.includes('ALL') ? names : defaults
  const held = new Set<string>([...all, ...adds].filter((name) => !drops.includes(name)))
  return new Set(names.filter((name) => held.has(name)))
}

function plain(name: string): string {
  return name.toUpperCase().replace(/^CAP_/, '')
}

/** Sixteen hexadecimal digits. */
export function capabilityMask(held: ReadonlySet<Capability>): string {
  let mask = 0n
  names.forEach((name, bit) => {
    if (held.has(name)) mask |= 1n << BigInt(bit)
  })
  return mask.toString(16).padStart(16, '0')
}
