/**
 * What ./quickstart needs of kubectl, on Fairway's own client, for a machine that cannot get a kubectl:
 *
 *   apply -f FILE · rollout status deployment/NAME · get KINDS [NAME] [-l SELECTOR] [-o wide|jsonpath=…] ·
 *   exec POD -- COMMAND…
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { KubeObject } from '../src/api/machinery/object.ts'
import { isReason } from '../src/api/machinery/status.ts'
import type { Resource } from '../src/client/contract.ts'
import { type ConnectionConfig, httpsTransport } from '../src/client/https.ts'
import { Client, collectionPath, loadKubeconfig, objectPath, resources } from '../src/client/index.ts'
import { userKubeconfigPath } from '../src/cluster/kubeconfig.ts'

const namespace = 'default'
const aliases: Record<string, keyof typeof resources> = {
  deploy: 'deployments',
  deployment: 'deployments',
  pod: 'pods',
  pods: 'pods',
  svc: 'services',
  service: 'services',
  endpoints: 'endpoints',
  endpointslices: 'endpointSlices',
}

interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[]
  readonly rows: readonly { readonly cells: readonly unknown[] }[] | null
}

function resourceOf(word: string): Resource<KubeObject> {
  const name = aliases[word]
  if (!name) throw new Error(`own-client: unknown kind ${word}`)
  return resources[name]
}

async function apply(client: Client, file: string): Promise<void> {
  const { parseAllDocuments } = await import('yaml')
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const object = document.toJS() as KubeObject
    const resource = resourceOf((object.kind ?? '').toLowerCase())
    const placed = { ...object, metadata: { namespace, ...object.metadata } }
    const what = `${(object.kind ?? '').toLowerCase()}/${object.metadata.name}`
    try {
      await client.create(resource, placed)
      console.log(`${what} created`)
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error
      await client.patch(resource, placed.metadata, object, { type: 'application/merge-patch+json' })
      console.log(`${what} configured`)
    }
  }
}

async function rolloutStatus(client: Client, name: string): Promise<void> {
  const signal = AbortSignal.timeout(60_000)
  const fieldSelector = `metadata.name=${name}`
  for await (const { type, object } of client.watch(resources.deployments, { namespace, fieldSelector, signal })) {
    if (type === 'BOOKMARK') continue
    const { spec, status, metadata } = object
    const current = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
    if (current && status?.availableReplicas === spec?.replicas && status?.updatedReplicas === spec?.replicas) {
      console.log(`deployment "${name}" successfully rolled out`)
      return
    }
  }
}

async function show(config: ConnectionConfig, kinds: readonly string[]): Promise<void> {
  const transport = httpsTransport(config)
  for (const kind of kinds) {
    const resource = resourceOf(kind)
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
    const response = await transport.request({ method: 'GET', path: collectionPath(resource, namespace), headers })
    const chunks: Buffer[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    const table = JSON.parse(Buffer.concat(chunks).toString()) as Table
    const lines = [
      table.columnDefinitions.map((column) => column.name.toUpperCase()),
      ...(table.rows ?? []).map((row) => row.cells.map(String)),
    ]
    const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? []
    const text = lines.map((line) =>
      line
        .map((cell, i) => cell.padEnd((widths[i] ?? 0) + 3))
        .join('')
        .trimEnd(),
    )
    console.log(`${resource.plural}\n${text.join('\n')}\n`)
  }
  transport.close()
}

/** The little of JSONPath that quickstart asks for: `{.a.b[0].c[*].d}`. */
function jsonPath(object: unknown, path: string): string {
  const steps = path.replace(/^\{|\}$/g, '').match(/[^.[\]]+/g) ?? []
  let values = [object]
  for (const step of steps) {
    values = values.flatMap((value) => {
      if (step === '*') return value
      const next = (value as Record<string, unknown> | undefined)?.[step]
      return next === undefined ? [] : [next]
    })
  }
  return values.join(' ')
}

/** Channels of the remote command protocol: 1 stdout, 2 stderr, 3 the outcome. */
async function exec(config: ConnectionConfig, pod: string, command: readonly string[]): Promise<number> {
  const { WebSocket } = await import('ws')
  const query = new URLSearchParams({ stdout: 'true', stderr: 'true' })
  for (const word of command) query.append('command', word)
  const url = `${config.server.replace('https', 'wss')}${objectPath(resources.pods, { namespace, name: pod })}/exec?${query.toString()}`
  const socket = new WebSocket(url, 'v5.channel.k8s.io', { ca: config.ca, cert: config.cert, key: config.key })
  let code = 1
  socket.on('message', (data: Buffer) => {
    const content = data.subarray(1)
    if (data[0] === 1) process.stdout.write(content)
    else if (data[0] === 2) process.stderr.write(content)
    else if (data[0] === 3) code = exitCode(content.toString())
  })
  await new Promise((resolve, reject) => {
    socket.on('close', resolve)
    socket.on('error', reject)
  })
  return code
}

function exitCode(text: string): number {
  const status = JSON.parse(text) as { status: string; details?: { causes?: { reason: string; message: string }[] } }
  if (status.status === 'Success') return 0
  return Number(status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message ?? 1)
}

async function get(client: Client, config: ConnectionConfig, words: readonly string[], flags: Flags): Promise<void> {
  const [kinds = '', name] = words
  const format = flags.o ?? ''
  if (!format.startsWith('jsonpath=')) return show(config, kinds.split(','))
  const resource = resourceOf(kinds)
  const found = name
    ? await client.get(resource, { namespace, name })
    : await client.list(resource, { namespace, ...(flags.l && { labelSelector: flags.l }) })
  process.stdout.write(jsonPath(found, format.slice('jsonpath='.length)))
}

interface Flags {
  readonly context?: string
  readonly o?: string
  readonly l?: string
  readonly f?: string
}

const all = process.argv.slice(2)
const dashes = all.indexOf('--')
const { values, positionals } = parseArgs({
  args: dashes < 0 ? all : all.slice(0, dashes),
  allowPositionals: true,
  options: {
    context: { type: 'string' },
    timeout: { type: 'string' },
    o: { type: 'string', short: 'o' },
    l: { type: 'string', short: 'l' },
    f: { type: 'string', short: 'f' },
  },
})
const flags: Flags = values
const [verb, ...words] = positionals
const config = await loadKubeconfig(userKubeconfigPath(process.env), flags.context)
const client = new Client({ transport: httpsTransport(config), userAgent: 'fairway-own-client' })
if (verb === 'apply') await apply(client, flags.f ?? '')
else if (verb === 'rollout') await rolloutStatus(client, (words[1] ?? '').replace(/^.*\//, ''))
else if (verb === 'get') await get(client, config, words, flags)
else if (verb === 'exec') process.exitCode = await exec(config, words[0] ?? '', all.slice(dashes + 1))
else throw new Error(`own-client: unknown command ${verb}`)
client.close()
