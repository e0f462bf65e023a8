/** The only file that tells the kernel about iptables rules, by the commands of the distribution. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Exec } from '../../../lib/exec.ts'
import type { Family } from '../../plan/types.ts'
import { KernelError } from '../mode.ts'

/** Seconds to wait for the lock that other programs hold. */
const lockSeconds = '5'

export interface Capabilities {
  /** `iptables` speaks to nftables, so that `nft monitor` hears of changes. */
  readonly nftVariant: boolean
  readonly randomFully: boolean
}

export class IptablesKernel {
  readonly family: Family
  readonly #exec: Exec
  readonly #prefix: string

  constructor({ family, exec }: { readonly family: Family; readonly exec: Exec }) {
    this.family = family
    this.#exec = exec
    this.#prefix = family === 4 ? 'iptables' : 'ip6tables'
  }

  async restore(script: string): Promise<void> {
    const command = `${this.#prefix}-restore`
    const result = await this.#exec(command, ['--noflush', '--wait', lockSeconds], { input: script })
    if (result.code !== 0) throw new KernelError(command, result.stderr || `exit code ${result.code}`)
  }

  /** All tables. */
  async save(): Promise<string> {
    const result = await this.#exec(`${this.#prefix}-save`, [])
    if (result.code !== 0) throw new KernelError(`${this.#prefix}-save`, result.stderr || `exit code ${result.code}`)
    return result.stdout
  }

  /** The rules of one chain; undefined when there is no such chain. */
  async list(table: string, chain: string): Promise<string | undefined> {
    const result = await this.#exec(this.#prefix, ['-w', lockSeconds, '-t', table, '-S', chain])
    return result.code === 0 ? result.stdout : undefined
  }

  /** `--random-fully` came with iptables 1.6.2. */
  async capabilities(): Promise<Capabilities> {
    const result = await this.#exec(this.#prefix, ['--version'])
    if (result.code !== 0) throw new KernelError(`${this.#prefix} --version`, result.stderr)
    const [major = 0, minor = 0, patch = 0] = (/v([\d.]+)/.exec(result.stdout)?.[1] ?? '').split('.').map(Number)
    return {
      nftVariant: result.stdout.includes('nf_tables'),
      randomFully: major * 10000 + minor * 100 + patch >= 10602,
    }
  }

  /** Packets that the nfacct objects have counted, by name. */
  async packets(): Promise<ReadonlyMap<string, number>> {
    const { code, stdout } = await this.#exec('nfacct', ['list'])
    return code === 0 ? parseCounters(stdout) : new Map()
  }

  /** Makes the nfacct objects and says which of them exist afterwards: none where kernel or tool cannot. */
  async counters(names: readonly string[]): Promise<ReadonlySet<string>> {
    const present = await this.#exec('nfacct', ['list'])
    if (present.code !== 0) return new Set()
    const made = new Set<string>()
    for (const name of names) {
      if (present.stdout.includes(name) || (await this.#exec('nfacct', ['add', name])).code === 0) made.add(name)
    }
    return made
  }
}

/** Packets by object, from what `nfacct list` prints. */
export function parseCounters(listing: string): Map<string, number> {
  const found = listing.matchAll(/pkts = (\d+), bytes = \d+ \} = (\S+);/g)
  return new Map([...found].map(([, packets, name = '']) => [name, Number(packets)]))
}

/** True when the sysctl (`net/ipv4/…`) is a number other than 0; false also where it does not exist. */
export function sysctlIsSet(name: string): boolean {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, 'utf8')) !== 0
  } catch {
    return false
  }
}

/** Returns what went wrong, if anything: some sandboxes keep sysctls read-only. */
export function setSysctl(name: string, value: string): string | undefined {
  try {
    if (readFileSync(`/proc/sys/${name}`, 'utf8').trim() !== value) writeFileSync(`/proc/sys/${name}`, value)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
