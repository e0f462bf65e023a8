/** The hosts plugin: names from a hosts file and from the Corefile itself. */
import { readFileSync, statSync } from 'node:fs'
import { canonical } from '../lib/ip.ts'
import type { HostsConfig } from './corefile/index.ts'
import { classIN, type Question, type ResourceRecord, recordTypes } from './wire/index.ts'
import { isWithin, zoneOf } from './zone/index.ts'
import { addressOfReverse } from './zone/names.ts'

export class Hosts {
  readonly #config: HostsConfig
  #byName = new Map<string, string[]>()
  #byAddress = new Map<string, string[]>()
  #mtime: number | undefined
  #checkedAt = Number.NEGATIVE_INFINITY

  constructor(config: HostsConfig) {
    this.#config = config
  }

  /** Records (none: the name has no such type), or undefined: not in here, ask the next one; 'nxdomain' without fallthrough. */
  answer({ name, type }: Question): readonly ResourceRecord[] | 'nxdomain' | undefined {
    const lower = name.toLowerCase()
    if (zoneOf(this.#config.zones, lower) === undefined) return undefined
    this.#refresh()
    const address = type === recordTypes.PTR && this.#config.reverse ? addressOfReverse(lower) : undefined
    const names = address && this.#byAddress.get(address)
    if (names) return names.map((target) => this.#record(name, type, { type: 'name', target }))
    const addresses = this.#byName.get(lower)
    if (addresses) {
      return addresses
        .filter((each) => type === (each.includes(':') ? recordTypes.AAAA : recordTypes.A))
        .map((each) => this.#record(name, type, { type: 'address', address: each }))
    }
    return this.#config.fallthrough.zones.some((zone) => isWithin(lower, zone)) ? undefined : 'nxdomain'
  }

  #record(name: string, type: number, data: ResourceRecord['data']): ResourceRecord {
    return { name, type, class: classIN, ttl: this.#config.ttl, data }
  }

  /** The file is looked at again at most every `reload` interval, when somebody asks. */
  #refresh(): void {
    const { file, reloadMs } = this.#config
    const now = performance.now()
    if (now - this.#checkedAt < (reloadMs || Number.POSITIVE_INFINITY)) return
    this.#checkedAt = now
    const mtime = file === undefined ? 0 : (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? -1)
    if (mtime === this.#mtime) return
    this.#mtime = mtime
    this.#load(file !== undefined && mtime >= 0 ? readFileSync(file, 'utf8') : '')
  }

  #load(text: string): void {
    this.#byName = new Map()
    this.#byAddress = new Map()
    for (const line of text.split('\n')) {
      const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
      this.#add(
        address,
        names.map((name) => `${name.toLowerCase().replace(/\.$/, '')}.`),
      )
    }
    for (const { address, names } of this.#config.entries) this.#add(address, names)
  }

  #add(text: string, names: readonly string[]): void {
    const address = canonical(text)
    if (address === undefined || names.length === 0) return
    for (const name of names) this.#byName.set(name, [...(this.#byName.get(name) ?? []), address])
    this.#byAddress.set(address, [...(this.#byAddress.get(address) ?? []), ...names])
  }
}
