/**
 * The RuntimeDefault seccomp profile: containerd's, as a program for the kernel's filter (seccomp(2)). It is told by
 * what is refused, not by what is allowed: system calls that need no refusal are most of them. Pure.
 */
import type { Capability } from './capabilities.ts'

/** As Node names them; `audit` is the kernel's name of the architecture, `index` its column in the table. */
const architectures = {
  x64: { audit: 0xc000_003e, index: 0 },
  arm64: { audit: 0xc000_00b7, index: 1 },
} as const

export type Architecture = keyof typeof architectures

export function isArchitecture(name: string): name is Architecture {
  return name in architectures
}

type Numbers = readonly [x64: number, arm64: number] | readonly [x64: number]

/** Refused to containers that have none of these capabilities. */
const refused: readonly (readonly [needs: readonly Capability[], calls: Readonly<Record<string, Numbers>>])[] = [
  [
    ['SYS_ADMIN'],
    {
      fanotify_init: [300, 262],
      fsconfig: [431, 431],
      fsmount: [432, 432],
      fsopen: [430, 430],
      fspick: [433, 433],
      lookup_dcookie: [212, 18],
      mount: [165, 40],
      mount_setattr: [442, 442],
      move_mount: [429, 429],
      open_tree: [428, 428],
      open_tree_attr: [467, 467],
      quotactl: [179, 60],
      quotactl_fd: [443, 443],
      setdomainname: [171, 162],
      sethostname: [170, 161],
      setns: [308, 268],
      umount2: [166, 39],
      unshare: [272, 97],
    },
  ],
  [['SYS_ADMIN', 'BPF'], { bpf: [321, 280] }],
  [['SYS_ADMIN', 'PERFMON'], { perf_event_open: [298, 241] }],
  [['SYS_ADMIN', 'SYSLOG'], { syslog: [103, 116] }],
  [['DAC_READ_SEARCH'], { open_by_handle_at: [304, 265] }],
  [['SYS_BOOT'], { reboot: [169, 142] }],
  [['SYS_CHROOT'], { chroot: [161, 51] }],
  [['SYS_MODULE'], { delete_module: [176, 106], finit_module: [313, 273], init_module: [175, 105] }],
  [
    ['SYS_NICE'],
    {
      get_mempolicy: [239, 236],
      mbind: [237, 235],
      set_mempolicy: [238, 237],
      set_mempolicy_home_node: [450, 450],
    },
  ],
  [['SYS_PACCT'], { acct: [163, 89] }],
  [['SYS_PTRACE'], { kcmp: [312, 272], pidfd_getfd: [438, 438], process_madvise: [440, 440] }],
  [['SYS_RAWIO'], { ioperm: [173], iopl: [172] }],
  [['SYS_TIME'], { clock_settime: [227, 112], settimeofday: [164, 170] }],
  [['SYS_TTY_CONFIG'], { vhangup: [153, 58] }],
  [
    [],
    {
      _sysctl: [156],
      add_key: [248, 217],
      io_uring_enter: [426, 426],
      io_uring_register: [427, 427],
      io_uring_setup: [425, 425],
      kexec_file_load: [320, 294],
      kexec_load: [246, 104],
      keyctl: [250, 219],
      migrate_pages: [256, 238],
      move_pages: [279, 239],
      nfsservctl: [180, 42],
      pivot_root: [155, 41],
      request_key: [249, 218],
      swapoff: [168, 225],
      swapon: [167, 224],
      sysfs: [139],
      uselib: [134],
      userfaultfd: [323, 282],
      ustat: [136],
    },
  ],
]

/** Calls whose arguments decide. */
const clone = [56, 220] as const
const clone3 = [435, 435] as const
const personality = [135, 92] as const
const socket = [41, 198] as const

/** Newer ones than this (Linux 6.18) are as unknown as on an older kernel. */
const newestCall = 469
/** Every CLONE_NEW flag that clone(2) takes. */
const namespaceFlags = 0x7e02_0000
/** PER_LINUX and PER_LINUX32, each also with UNAME26, and the question what it is. */
const personalities = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff]
const vsockFamily = 40
/** System calls of the x32 ABI have this bit. */
const x32Bit = 0x4000_0000

/** Offsets in struct seccomp_data; the lower half of an argument on a little-endian machine. */
const offsets = { call: 0, architecture: 4, argument: 16 } as const
const opcodes = { load: 0x20, return: 0x06, equal: 0x15, greater: 0x25, atLeast: 0x35, anyBit: 0x45 } as const
const errnoAction = 0x0005_0000
const outcomes = { allow: 0x7fff_0000, EPERM: errnoAction | 1, ENOSYS: errnoAction | 38 } as const

type Outcome = keyof typeof outcomes

/** Jumps name an outcome, or fall through to the next instruction. */
type Instruction =
  | { readonly kind: 'load'; readonly offset: number }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | {
      readonly kind: Exclude<keyof typeof opcodes, 'load' | 'return'>
      readonly value: number
      /** How many instructions after this one are passed over. */
      readonly yes: Outcome | number
      readonly no: Outcome | number
    }

/** The filter for a container that holds these capabilities: struct sock_filter after struct sock_filter. */
export function seccompFilter(architecture: Architecture, held: ReadonlySet<Capability>): Uint8Array {
  return assemble(instructions(architecture, held))
}

function instructions(architecture: Architecture, held: ReadonlySet<Capability>): Instruction[] {
  const { audit, index } = architectures[architecture]
  return [
    { kind: 'load', offset: offsets.architecture },
    // Of 32-bit programs too: their calls have other numbers.
    { kind: 'equal', value: audit, yes: 0, no: 'EPERM' },
    { kind: 'load', offset: offsets.call },
    ...(architecture === 'x64' ? [test('atLeast', x32Bit, 'EPERM')] : []),
    test('greater', newestCall, 'ENOSYS'),
    ...refusedNumbers(index, held).map((number) => test('equal', number, 'EPERM')),
    ...(held.has('SYS_ADMIN') ? [] : cloneRules(index)),
    ...argumentRule(socket[index], [test('equal', vsockFamily, 'EPERM')], 'allow'),
    ...argumentRule(
      personality[index],
      personalities.map((value) => test('equal', value, 'allow')),
      'EPERM',
    ),
    { kind: 'outcome', outcome: 'allow' },
  ]
}

function refusedNumbers(index: 0 | 1, held: ReadonlySet<Capability>): number[] {
  return refused
    .filter(([needs]) => !needs.some((capability) => held.has(capability)))
    .flatMap(([, calls]) => Object.values(calls))
    .flatMap((numbers) => numbers[index] ?? [])
}

/** A filter cannot follow clone3's pointer: programs that are told it is not there go back to clone. */
function cloneRules(index: 0 | 1): Instruction[] {
  return [
    test('equal', clone3[index], 'ENOSYS'),
    ...argumentRule(clone[index], [test('anyBit', namespaceFlags, 'EPERM')], 'allow'),
  ]
}

function test(kind: 'equal' | 'greater' | 'atLeast' | 'anyBit', value: number, yes: Outcome): Instruction {
  return { kind, value, yes, no: 0 }
}

/** For one call, by its first argument; other calls go on after it. */
function argumentRule(call: number, tests: readonly Instruction[], otherwise: Outcome): Instruction[] {
  return [
    { kind: 'equal', value: call, yes: 0, no: tests.length + 2 },
    { kind: 'load', offset: offsets.argument },
    ...tests,
    { kind: 'outcome', outcome: otherwise },
  ]
}

/** Outcomes that are jumped to stand at the end. */
function assemble(program: readonly Instruction[]): Uint8Array {
  const ends = Object.keys(outcomes) as Outcome[]
  const bytes = new Uint8Array((program.length + ends.length) * 8)
  const view = new DataView(bytes.buffer)
  const write = (at: number, code: number, value: number, jumps = [0, 0]) => {
    view.setUint16(at * 8, code, true)
    bytes.set(jumps, at * 8 + 2)
    view.setUint32(at * 8 + 4, value >>> 0, true)
  }
  const distance = (from: number, to: Outcome | number) =>
    typeof to === 'number' ? to : program.length + ends.indexOf(to) - from - 1
  program.forEach((instruction, at) => {
    if (instruction.kind === 'load') write(at, opcodes.load, instruction.offset)
    else if (instruction.kind === 'outcome') write(at, opcodes.return, outcomes[instruction.outcome])
    else {
      const jumps = [distance(at, instruction.yes), distance(at, instruction.no)]
      if (jumps.some((jump) => jump > 255)) throw new Error('a jump of the seccomp filter is too long')
      write(at, opcodes[instruction.kind], instruction.value, jumps)
    }
  })
  ends.forEach((outcome, i) => {
    write(program.length + i, opcodes.return, outcomes[outcome])
  })
  return bytes
}
