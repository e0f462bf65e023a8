/** `fairway exec -- COMMAND`: a command of the host, on the network of a node or of a host outside the cluster. */
import { closeSync, openSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Command } from 'commander'
import { type ClusterOptions, clusterOptions, withName } from '../options.ts'

export function addExec(program: Command): void {
  withName(program.command('exec'))
    .description("run a command of this machine on the cluster's network")
    .usage('[options] -- COMMAND [ARGUMENTS...]')
    .argument('<command...>', 'the command and its arguments')
    .option('--node <node>', "on this node's network", 'node-1')
    .option('--outside', 'on the network of a host beside the nodes that is no part of the cluster')
    .passThroughOptions()
    .action(async (words: string[], _options: unknown, command: Command) =>
      run({ ...clusterOptions(command), ...command.opts() }, words),
    )
}

interface Options extends ClusterOptions {
  readonly node: string
  readonly outside?: boolean
}

/** This process becomes the command: its terminal, signals and exit code are the command's own. */
async function run(options: Options, words: readonly string[]): Promise<void> {
  const netns = `/run/netns/${await namespaceOf(options)}`
  // Said here, in our words, rather than by nsenter in its own.
  closeSync(openNamespace(netns, options.name))
  const nsenter = which('nsenter')
  process.execve?.(nsenter, ['nsenter', `--net=${netns}`, '--', ...words], environment())
}

async function namespaceOf({ name, stateDir, node, outside }: Options): Promise<string> {
  const { existingCluster, isStopped, nodeNamed } = await import('../../cluster/state.ts')
  const { layout } = existingCluster(name, stateDir)
  if (outside) return (await import('../../cluster/network.ts')).outsideHost(layout)
  const found = nodeNamed(layout, node)
  if (isStopped(found)) throw new Error(`${node} is stopped; start it with: fairway node start ${node}`)
  return found.namespace
}

function openNamespace(path: string, name: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw new Error(`the network of cluster ${name} is gone; bring it back with: fairway up`, { cause: error })
  }
}

function which(program: string): string {
  const directories = (process.env['PATH'] ?? '').split(delimiter)
  const found = directories.map((directory) => join(directory, program)).find((path) => isThere(path))
  if (!found) throw new Error(`${program} is missing; install with: apt-get install util-linux`)
  return found
}

function isThere(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'))
    return true
  } catch {
    return false
  }
}

/** What scripts/node set for this process is no business of the command's. */
function environment(): Record<string, string> {
  const { NODE_COMPILE_CACHE: _, ...rest } = process.env
  return rest as Record<string, string>
}
