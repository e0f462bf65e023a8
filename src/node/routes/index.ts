/**
 * node/routes: keeps the routes of one network namespace to the pods of every node true, as Nodes come, go and get their
 * ranges: on each node (all but its own) and in the switch. It must not know who gives out the ranges.
 */
import type { Node } from '../../api/generated/v1.ts'
import { WorkQueue } from '../../client/queue.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Exec } from '../../lib/exec.ts'
import type { Logger } from '../../lib/log.ts'
import { type PodRoutes, podRoutes, routeBatch, routeProtocol } from './routes.ts'

export { podRoutes } from './routes.ts'

/** What is asked of an informer of Nodes. */
export interface NodeCache {
  readonly synced: Promise<void>
  list(): Node[]
  onChange(handler: () => void): void
}

export interface RouteKeeperOptions {
  readonly nodes: NodeCache
  /** The node that keeps them; absent: a router that has no pods of its own. */
  readonly self?: string
  readonly exec: Exec
  readonly clock: Clock
  readonly log: Logger
}

/** Programs the routes of the network namespace this process is in, until the signal aborts. */
export function keepPodRoutes(options: RouteKeeperOptions, signal: AbortSignal): void {
  const { nodes, self, exec, clock, log } = options
  let programmed: string | undefined
  const reconcile = async () => {
    const wanted = podRoutes(nodes.list(), self)
    if (spell(wanted) === programmed) return
    // Until all of it is done, nobody knows what is there.
    programmed = undefined
    const batch = routeBatch(await programmedRoutes(exec), wanted)
    if (batch.length > 0) {
      const { code, stderr } = await exec('ip', ['-batch', '-'], { input: `${batch.join('\n')}\n` })
      if (code !== 0) throw new Error(`routes to pods: ${stderr.trim()}`)
      log.info({ changes: batch }, 'routes to pods programmed')
    }
    programmed = spell(wanted)
  }
  const queue = new WorkQueue({ name: 'pod-routes', reconcile, clock, log })
  // Nodes change more often than their addresses do.
  nodes.onChange(() => {
    if (spell(podRoutes(nodes.list(), self)) !== programmed) queue.add('routes')
  })
  void nodes.synced.then(() => {
    queue.add('routes')
    queue.run(signal)
  })
}

const spell = (routes: PodRoutes) => [...routes].map(([cidr, via]) => `${cidr} via ${via}`).join()

interface FoundRoute {
  readonly dst: string
  readonly gateway?: string
}

/** Of all tables, for only then `ip` shows both families at once. */
async function programmedRoutes(exec: Exec): Promise<PodRoutes> {
  const { stdout } = await exec('ip', ['-j', 'route', 'show', 'table', 'all', 'proto', String(routeProtocol)])
  const found = stdout.trim() === '' ? [] : (JSON.parse(stdout) as FoundRoute[])
  return new Map(found.map(({ dst, gateway = '' }) => [dst, gateway]))
}
