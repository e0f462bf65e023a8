/** `fairway logs PART`: what a part of the system said; processes from their files, pods through the API. */
import { createReadStream, existsSync, statSync, watch } from 'node:fs'
import { finished } from 'node:stream/promises'
import type { Command } from 'commander'
import { type ClusterOptions, clusterOptions, withName } from '../options.ts'

const pods = { 'kube-proxy': 'kube-proxy', coredns: 'kube-dns' } as const
type PodPart = keyof typeof pods

interface Options extends ClusterOptions {
  readonly follow?: boolean
  readonly node?: string
}

export function addLogs(program: Command): void {
  withName(program.command('logs'))
    .description('print the log of a part of the system')
    .argument('<part>', `control-plane, node-1 (or another node), supervisor, ${Object.keys(pods).join(' or ')}`)
    .option('--node <node>', 'of kube-proxy: on which node')
    .option('-f, --follow', 'go on as it grows')
    .action(async (part: string, _options: unknown, command: Command) => {
      const options: Options = { ...clusterOptions(command), ...command.opts() }
      if (part in pods) await podLog(part as PodPart, options)
      else await fileLog(part, options)
    })
}

async function fileLog(part: string, { name, stateDir, follow }: Options): Promise<void> {
  const [{ existingCluster }, { logFile, partsOf }] = await Promise.all([
    import('../../cluster/state.ts'),
    import('../../cluster/processes.ts'),
  ])
  const { layout } = existingCluster(name, stateDir)
  const known = partsOf(layout).find((one) => one === part)
  if (!known) {
    throw new Error(
      `there is no part ${JSON.stringify(part)}: one of ${[...partsOf(layout), ...Object.keys(pods)].join(', ')}`,
    )
  }
  const file = logFile(layout, known)
  if (!existsSync(file)) throw new Error(`${part} has not logged anything`)
  let position = await copy(file, 0)
  if (!follow) return
  let copying = Promise.resolve()
  watch(file, () => {
    copying = copying.then(async () => {
      // Shorter than before: the log was put aside and begins anew.
      const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
      position = await copy(file, size < position ? 0 : position)
    })
  })
  await new Promise(() => {})
}

/** Copies from `start` to the file's end; returns where that was. */
async function copy(file: string, start: number): Promise<number> {
  const stream = createReadStream(file, { start })
  stream.pipe(process.stdout, { end: false })
  await finished(stream)
  return start + stream.bytesRead
}

async function podLog(part: PodPart, { name, stateDir, follow, node }: Options): Promise<void> {
  const [{ existingCluster }, { loadKubeconfig }, { httpsTransport }, { Client, objectPath }, { resources }] =
    await Promise.all([
      import('../../cluster/state.ts'),
      import('../../client/kubeconfig.ts'),
      import('../../client/https.ts'),
      import('../../client/client.ts'),
      import('../../client/resources.ts'),
    ])
  const { layout } = existingCluster(name, stateDir)
  const transport = httpsTransport(await loadKubeconfig(layout.adminKubeconfig))
  const client = new Client({ transport })
  try {
    const labelSelector = `k8s-app=${pods[part]}`
    const { items } = await client.list(resources.pods, { namespace: 'kube-system', labelSelector })
    const pod = items.find(({ spec }) => node === undefined || spec?.nodeName === node)
    if (!pod) throw new Error(`there is no pod of ${part} in kube-system${node ? ` on ${node}` : ''}`)
    const path = `${objectPath(resources.pods, pod.metadata)}/log${follow ? '?follow=true' : ''}`
    const response = await transport.request({ method: 'GET', path })
    if (response.status !== 200)
      throw new Error(`the log of pod ${pod.metadata.name} cannot be read: HTTP ${response.status}`)
    for await (const chunk of response.body) process.stdout.write(chunk)
  } finally {
    client.close()
  }
}
