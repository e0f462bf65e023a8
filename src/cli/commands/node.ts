/** `fairway node list|stop|start`: the nodes of a cluster as machines that can be switched off and on. */
import type { Command } from 'commander'
import { clusterOptions, withName } from '../options.ts'
import { table } from '../table.ts'

export function addNode(program: Command): void {
  const node = program.command('node').description('switch nodes off and on, and list them')
  withName(node.command('list'))
    .description('the nodes, their addresses and zones')
    .action(async (_options: unknown, command: Command) => list(command))
  withName(node.command('stop'))
    .description('switch a node off as if by its power button; its disk stays')
    .argument('<node>', 'node-2, say')
    .action(async (name: string, _options: unknown, command: Command) => stop(name, command))
  withName(node.command('start'))
    .description('switch a stopped node on again; returns when it is Ready')
    .argument('<node>', 'node-2, say')
    .action(async (name: string, _options: unknown, command: Command) => start(name, command))
}

const startTimeoutMs = 60_000

async function load(command: Command) {
  const { name, stateDir } = clusterOptions(command)
  const [nodes, { existingCluster, nodeNamed }] = await Promise.all([
    import('../../cluster/node.ts'),
    import('../../cluster/state.ts'),
  ])
  const { layout } = existingCluster(name, stateDir)
  return { ...nodes, layout, base: stateDir, find: (node: string) => nodeNamed(layout, node) }
}

async function list(command: Command): Promise<void> {
  const { layout, listNodes } = await load(command)
  const rows = (await listNodes(layout)).map((row) => [row.name, row.state, row.addresses, row.podCidrs, row.zone])
  process.stdout.write(table([['NAME', 'STATE', 'ADDRESSES', 'POD-CIDRS', 'ZONE'], ...rows]))
}

async function stop(name: string, command: Command): Promise<void> {
  const { layout, base, find, stopNode } = await load(command)
  const node = find(name)
  await stopNode(layout, base, node)
  process.stdout.write(`${node.name} is off; the cluster notices after ${layout.config.nodeMonitorGracePeriod} s\n`)
}

async function start(name: string, command: Command): Promise<void> {
  const startedAt = performance.now()
  const { layout, base, find, startNode } = await load(command)
  const node = find(name)
  await startNode(layout, base, node, startTimeoutMs)
  const { duration } = await import('../../cluster/progress.ts')
  process.stdout.write(`${node.name} is Ready after ${duration(performance.now() - startedAt)}\n`)
}
