/** Options that several commands share. */
import type { Command } from 'commander'

export interface ClusterOptions {
  readonly name: string
  readonly stateDir: string
}

export function withName(command: Command): Command {
  return command.option('--name <name>', 'which cluster', 'fairway')
}

/** The command's own options and the program's. */
export function clusterOptions(command: Command): ClusterOptions {
  return command.optsWithGlobals<ClusterOptions>()
}
