import { describe, expect, test } from 'vitest'
import type { Capability } from './capabilities.ts'
import { type Architecture, seccompFilter } from './seccomp.ts'

const EPERM = 1
const ENOSYS = 38
const audit = { x64: 0xc000_003e, arm64: 0xc000_00b7, i386: 0x4000_0003 } as const

/** What the kernel would do: 'allow', or the error. */
function outcome(filter: Uint8Array, architecture: number, call: number, argument = 0): 'allow' | number {
  const view = new DataView(filter.buffer)
  const data: Readonly<Record<number, number>> = { 0: call, 4: architecture, 16: argument }
  let accumulator = 0
  for (let at = 0; at < filter.length / 8; at++) {
    const [code, value] = [view.getUint16(at * 8, true), view.getUint32(at * 8 + 4, true)]
    const [yes = 0, no = 0] = filter.subarray(at * 8 + 2, at * 8 + 4)
    const jump = (holds: boolean) => (holds ? yes : no)
    if (code === 0x06) return value === 0x7fff_0000 ? 'allow' : value & 0xffff
    if (code === 0x20) accumulator = (data[value] ?? 0) >>> 0
    else if (code === 0x15) at += jump(accumulator === value)
    else if (code === 0x25) at += jump(accumulator > value)
    else if (code === 0x35) at += jump(accumulator >= value)
    else if (code === 0x45) at += jump((accumulator & value) !== 0)
    else throw new Error(`opcode ${code}`)
  }
  throw new Error('the filter has no end')
}

describe('the RuntimeDefault profile', () => {
  const cases: [
    what: string,
    architecture: Architecture,
    held: Capability[],
    call: [number, number?],
    'allow' | number,
  ][] = [
    ['read', 'x64', [], [0], 'allow'],
    ['the newest call', 'x64', [], [469], 'allow'],
    ['a call nobody knows yet', 'x64', [], [470], ENOSYS],
    ['mount', 'x64', [], [165], EPERM],
    ['mount, by who may administer', 'x64', ['SYS_ADMIN'], [165], 'allow'],
    ['mount, on arm64', 'arm64', [], [40], EPERM],
    ['bpf, by who has just that', 'x64', ['BPF'], [321], 'allow'],
    ['keyctl, by anybody', 'x64', ['SYS_ADMIN'], [250], EPERM],
    ['fork, as clone', 'x64', [], [56, 0x0120_0011], 'allow'],
    ['clone of a network namespace', 'x64', [], [56, 0x4000_0011], EPERM],
    ['the same, by who may administer', 'x64', ['SYS_ADMIN'], [56, 0x4000_0011], 'allow'],
    ['clone on arm64', 'arm64', [], [220, 0x1000_0000], EPERM],
    ['clone3', 'x64', [], [435], ENOSYS],
    ['personality, asked for', 'x64', [], [135, 0xffff_ffff], 'allow'],
    ['personality without random addresses', 'x64', [], [135, 0x4_0000], EPERM],
    ['an internet socket', 'x64', [], [41, 2], 'allow'],
    ['a socket to the hypervisor', 'x64', [], [41, 40], EPERM],
    ['a call of x32', 'x64', [], [0x4000_0000], EPERM],
    ['a number that is another call on x64', 'arm64', [], [161], EPERM],
  ]
  test.each(cases)('%s', (_, architecture, held, [call, argument], expected) => {
    expect(outcome(seccompFilter(architecture, new Set(held)), audit[architecture], call, argument)).toBe(expected)
  })

  test('refuses 32-bit programs', () => {
    expect(outcome(seccompFilter('x64', new Set()), audit.i386, 3)).toBe(EPERM)
  })
})
