/** How long a pod that is deleted goes on before its containers are told to end, so that nobody meets a closed port. */
import type { Clock } from '../../lib/clock.ts'

export interface DrainOptions {
  /** The pod's. */
  readonly ips: readonly string[]
  /** Whether this node's rules have yet to give up a pod's address. */
  readonly leadsTo: (ip: string) => Promise<boolean>
  /** When it ends in any case, in milliseconds since the epoch; asked again at every look. */
  readonly until: () => number
  readonly clock: Clock
}

/** Endpoints and rules rarely take longer to follow. */
export const drainMs = 500
/** Between looks at rules that are behind. */
const lookMs = 100
/** Proxies of other nodes hear what this node's hears; where that one was behind, they may be a little more so. */
const othersMs = 250

/**
 * A pod leaves its Services because of the same event that stops it: it goes on until endpoints and rules have followed,
 * however many Services there are.
 */
export async function drain({ ips, leadsTo, until, clock }: DrainOptions): Promise<void> {
  const wait = (ms: number) => {
    const left = Math.max(0, Math.min(ms, until() - clock.now().getTime()))
    return new Promise<void>((resolve) => void clock.setTimeout(resolve, left))
  }
  const behind = async () => (await Promise.all(ips.map(leadsTo))).includes(true)
  await wait(drainMs)
  if (!(await behind())) return
  do await wait(lookMs)
  while (clock.now().getTime() < until() && (await behind()))
  await wait(othersMs)
}
