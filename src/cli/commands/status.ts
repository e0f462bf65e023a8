/** `fairway status`: the parts of a cluster and what memory they take; `status svc/NAME`: a Service from object to rules. */
import type { Command } from 'commander'
import type { ServiceStatus } from '../../cluster/service-status.ts'
import type { Row } from '../../cluster/status.ts'
import { type ClusterOptions, clusterOptions, withName } from '../options.ts'
import { table } from '../table.ts'

interface Options extends ClusterOptions {
  readonly namespace: string
}

export function addStatus(program: Command): void {
  withName(program.command('status'))
    .description('show the parts of the cluster, its nodes, and their memory; or how far a Service has come')
    .argument('[service]', 'svc/NAME: what is stored of it, and what each node has programmed')
    .option('-n, --namespace <namespace>', "the Service's namespace", 'default')
    .action(async (object: string | undefined, _options: unknown, command: Command) => {
      const options: Options = { ...clusterOptions(command), ...command.opts() }
      if (object === undefined) await showCluster(options)
      else await showService(object, options)
    })
}

async function showCluster({ name, stateDir }: Options): Promise<void> {
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
}

async function showService(object: string, { name, stateDir, namespace }: Options): Promise<void> {
  const service = /^(?:svc|services?)\/([^/]+)$/.exec(object)?.[1]
  if (!service) throw new Error(`${JSON.stringify(object)} is not svc/NAME`)
  const [{ existingCluster }, { serviceStatus }] = await Promise.all([
    import('../../cluster/state.ts'),
    import('../../cluster/service-status.ts'),
  ])
  const { layout } = existingCluster(name, stateDir)
  process.stdout.write(serviceText(await serviceStatus(layout, { namespace, name: service })))
}

function serviceText({ service, slices, endpoints, nodes, warnings }: ServiceStatus): string {
  const { metadata, spec } = service
  const addresses = spec?.clusterIPs?.join(',') || spec?.clusterIP || spec?.externalName || ''
  const stored = [
    ['STORED', 'REVISION', 'ENDPOINTS'],
    [`service/${metadata.name}`, metadata.resourceVersion ?? '', ''],
    ...slices.map(({ name, resourceVersion, ready, notReady }) => {
      const counts = `${ready} ready${notReady > 0 ? `, ${notReady} not ready` : ''}`
      return [`endpointslice/${name}`, resourceVersion, counts]
    }),
  ]
  const programmed = [
    ['NODE', 'RULES', 'REVISIONS', 'PROGRAMMED', 'TOOK', 'PORT → ENDPOINTS'],
    ...nodes.map(({ node, state, revisions, programmedAt = '', latencyMs, ports }) => {
      const took = latencyMs === undefined ? '' : `${latencyMs} ms`
      return [node, state, revisions.join(' '), programmedAt, took, ports.join(', ')]
    }),
  ]
  const rules = nodes.length > 0 ? table(programmed) : 'no rules on nodes: this Service is a matter of the DNS alone\n'
  return [
    `service ${metadata.namespace}/${metadata.name}, ${spec?.type} ${addresses}`.trimEnd(),
    `endpoints: ${endpoints.ready} ready, ${endpoints.notReady} not ready\n`,
    `${table(stored)}\n${rules}${warnings.map((text) => `\nwarning: ${text}`).join('')}`.trimEnd(),
    '',
  ].join('\n')
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
