/** `fairway kubeconfig`: the user's credentials, on standard output. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { clusterOptions, withName } from '../options.ts'

export function addKubeconfig(program: Command): void {
  withName(program.command('kubeconfig'))
    .description('print a kubeconfig for the cluster')
    .action(async (_options: unknown, command: Command) => {
      const { name, stateDir } = clusterOptions(command)
      const { existingCluster } = await import('../../cluster/state.ts')
      const { layout } = existingCluster(name, stateDir)
      process.stdout.write(`${readFileSync(layout.adminKubeconfig, 'utf8').trimEnd()}\n`)
    })
}
