/** Pod addresses of a node: one after the other through each range, so that a freed one is not reused at once. */
import { addressAt, type Cidr, contains, formatCidr, formatIp, parseCidr, parseIp } from '../../lib/ip.ts'

/** The network's own address and the first, which people expect to be a gateway. */
const reservedAtStart = 2

/** The ranges of a node, one per family: a pod gets an address of each. */
export class AddressPools {
  readonly #pools: readonly AddressPool[]

  constructor(cidrs: readonly string[]) {
    this.#pools = cidrs.map((cidr) => new AddressPool(cidr))
  }

  /** All or none. */
  allocate(): string[] {
    const taken: string[] = []
    try {
      for (const pool of this.#pools) taken.push(pool.allocate())
      return taken
    } catch (error) {
      this.release(taken)
      throw error
    }
  }

  /** Addresses found on the machine. */
  adopt(addresses: readonly string[]): void {
    for (const pool of this.#pools) for (const address of addresses) pool.adopt(address)
  }

  release(addresses: readonly string[]): void {
    for (const pool of this.#pools) for (const address of addresses) pool.release(address)
  }
}

export class AddressPool {
  readonly #cidr: Cidr
  readonly #size: number
  readonly #used = new Set<string>()
  #next = reservedAtStart

  constructor(cidr: string) {
    const parsed = parseCidr(cidr)
    if (!parsed) throw new Error(`pod CIDR ${JSON.stringify(cidr)} is not a CIDR`)
    this.#cidr = parsed
    const hostBits = (parsed.ip.family === 4 ? 32 : 128) - parsed.prefix
    this.#size = 2 ** Math.min(hostBits, 24)
  }

  /** Throws when every address is taken. */
  allocate(): string {
    // The last one is the broadcast address.
    for (let tried = reservedAtStart; tried < this.#size - 1; tried++) {
      const address = formatIp(addressAt(this.#cidr, this.#next))
      this.#next = this.#next + 1 < this.#size - 1 ? this.#next + 1 : reservedAtStart
      if (this.#used.has(address)) continue
      this.#used.add(address)
      return address
    }
    throw new Error(`no free pod address on this node: all of ${formatCidr(this.#cidr)} are in use`)
  }

  /** An address found on the machine. */
  adopt(address: string): void {
    const ip = parseIp(address)
    if (!ip || !contains(this.#cidr, ip)) return
    this.#used.add(address)
    const offset = Number(ip.value - addressAt(this.#cidr, 0).value)
    if (offset >= this.#next && offset + 1 < this.#size - 1) this.#next = offset + 1
  }

  release(address: string): void {
    this.#used.delete(address)
  }
}
