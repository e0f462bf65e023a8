/**
 * The loop plugin: finds resolvers that lead back to this server. CoreDNS ends itself then, which takes the cluster's
 * names down for a fault of the host's resolv.conf; here the resolver is left out and said so.
 */
import { randomBytes } from 'node:crypto'
import type { Forwarder, Upstream } from './forward/index.ts'
import { classIN, recordTypes } from './wire/index.ts'

const probeTimeoutMs = 2000

export class LoopProbe {
  readonly #names = new Map<string, () => void>()

  /** For the responder: whether this question is one of ours that came back. */
  readonly seen = (name: string, type: number): boolean => {
    const found = type === recordTypes.HINFO ? this.#names.get(name.toLowerCase()) : undefined
    found?.()
    return found !== undefined
  }

  /** Asks each resolver for a name nobody else knows. */
  async check(forwarder: Forwarder, onLoop: (upstream: Upstream) => void): Promise<void> {
    await Promise.all(
      forwarder.upstreams.map(async (upstream) => {
        const zone = forwarder.config.from === '.' ? '' : forwarder.config.from
        const name = `${randomBytes(8).toString('hex')}.${randomBytes(8).toString('hex')}.${zone}`
        this.#names.set(name, () => {
          forwarder.exclude(upstream)
          onLoop(upstream)
        })
        const question = { name, type: recordTypes.HINFO, class: classIN }
        const asked = { question, recursionDesired: true, checkingDisabled: false, dnssecOk: false }
        // A resolver that does not answer is no loop.
        await forwarder.attempt(upstream, asked, probeTimeoutMs).catch(() => undefined)
        this.#names.delete(name)
      }),
    )
  }
}
