/** `fairway down`: takes a cluster away, all of it. */
import type { Command } from 'commander'
import { type ClusterOptions, clusterOptions, withName } from '../options.ts'

export function addDown(program: Command): void {
  withName(program.command('down'))
    .description('take a cluster down; nothing of it is left')
    .action(async (_options: unknown, command: Command) => runDown(clusterOptions(command)))
}

export async function runDown({ name, stateDir }: ClusterOptions): Promise<void> {
  const [{ clusterToRemove, down }, { progress }] = await Promise.all([
    import('../../cluster/down.ts'),
    import('../../cluster/progress.ts'),
  ])
  const layout = clusterToRemove(name, stateDir)
  const write = (text: string) => process.stdout.write(text)
  write(`fairway: taking down cluster ${name}\n`)
  await down(layout, stateDir, progress({ write, terminal: process.stdout.isTTY }))
  write('nothing of it is left\n')
}
