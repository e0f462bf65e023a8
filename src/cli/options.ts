/** Options that several commands share. */
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'

export interface ClusterOptions {
  readonly name: string
  readonly stateDir: string
}

export function stateDirOption(): Option {
  const description = 'where clusters keep their state (or FAIRWAY_STATE_DIR)'
  return new Option('--state-dir <directory>', description).argParser((directory: string) => resolve(directory))
}

/** `--state-dir` is the program's, and understood after a command's name as well. */
export function withName(command: Command): Command {
  return command.option('--name <name>', 'which cluster', 'fairway').addOption(stateDirOption().hideHelp())
}

/** The command's own options and the program's; of both, the command's counts. */
export function clusterOptions(command: Command): ClusterOptions {
  return { ...command.optsWithGlobals<ClusterOptions>(), ...command.opts<Partial<ClusterOptions>>() }
}
