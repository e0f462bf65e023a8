/** `fairway status`: the parts of a cluster, whether they run, and what memory they take. */
import type { Command } from 'commander'
import type { Row } from '../../cluster/status.ts'
import { clusterOptions, withName } from '../options.ts'
import { table } from '../table.ts'

export function addStatus(program: Command): void {
  withName(program.command('status'))
    .description('show the parts of the cluster, its nodes, and their memory')
    .action(async (_options: unknown, command: Command) => {
      const { name, stateDir } = clusterOptions(command)
      const [{ existingCluster }, { clusterStatus }] = await Promise.all([
        import('../../cluster/state.ts'),
        import('../../cluster/status.ts'),
      ])
      const { layout, state } = existingCluster(name, stateDir)
      const { rows, healthy, memoryKib } = await clusterStatus(layout)
      process.stdout.write(`cluster ${name}, context ${layout.context}, made ${state.createdAt}\n\n`)
      process.stdout.write(table(cells(rows)))
      process.stdout.write(`\nmemory of the system: ${mib(memoryKib)} MiB (sum of PSS)\n`)
      process.exitCode = healthy ? 0 : 1
    })
}

function cells(rows: readonly Row[]): string[][] {
  return [
    ['PART', 'STATE', 'PID', 'MIB', 'DETAILS'],
    ...rows.map((row) => [
      row.part,
      row.state,
      row.pid === undefined ? '' : String(row.pid),
      row.pssKib === undefined ? '' : mib(row.pssKib),
      row.details,
    ]),
  ]
}

function mib(kib: number): string {
  return (kib / 1024).toFixed(1)
}
