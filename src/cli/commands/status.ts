/** `fairway status`: the parts of a cluster, whether they run, and what memory they take. */
import type { Command } from 'commander'
import type { Row } from '../../cluster/status.ts'
import { clusterOptions, withName } from '../options.ts'

export function addStatus(program: Command): void {
  withName(program.command('status'))
    .description('show the parts of the cluster, its node, and their memory')
    .action(async (_options: unknown, command: Command) => {
      const { name, stateDir } = clusterOptions(command)
      const [{ existingCluster }, { clusterStatus }] = await Promise.all([
        import('../../cluster/state.ts'),
        import('../../cluster/status.ts'),
      ])
      const { layout, state } = existingCluster(name, stateDir)
      const { rows, healthy, memoryKib } = await clusterStatus(layout)
      process.stdout.write(`cluster ${name}, context ${layout.context}, made ${state.createdAt}\n\n`)
      process.stdout.write(table(rows))
      process.stdout.write(`\nmemory of the system: ${mib(memoryKib)} MiB (sum of PSS)\n`)
      process.exitCode = healthy ? 0 : 1
    })
}

function table(rows: readonly Row[]): string {
  const cells = [
    ['PART', 'STATE', 'PID', 'MIB', 'DETAILS'],
    ...rows.map((row) => [
      row.part,
      row.state,
      row.pid === undefined ? '' : String(row.pid),
      row.pssKib === undefined ? '' : mib(row.pssKib),
      row.details,
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')
  return cells.map((row) => `${line(row).trimEnd()}\n`).join('')
}

function mib(kib: number): string {
  return (kib / 1024).toFixed(1)
}
