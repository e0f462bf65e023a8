/** What the walkthroughs on three nodes share: nodes and an outside host to call from, and demoapp's answers. */
import { spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'
import type { ExecResult } from '../../src/lib/exec.ts'
import { eventually, startCluster, type TestCluster, words } from '../harness.ts'

export interface ThreeNodes extends TestCluster {
  /** Addresses by name. */
  readonly nodes: ReadonlyMap<string, string>
  on(node: string, ...command: string[]): Promise<ExecResult>
  /** On a host beside the nodes that is no part of the cluster. */
  outside(...command: string[]): Promise<ExecResult>
}

export async function startThreeNodes(...options: string[]): Promise<ThreeNodes> {
  const cluster = await startCluster('--nodes', '3', ...options)
  const path =
    'jsonpath={range .items[*]}{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}{end}'
  const lines = (await cluster.kubectl('get', 'nodes', '-o', path)).trim().split('\n')
  return {
    ...cluster,
    nodes: new Map(lines.map((line) => words(line) as [string, string])),
    on: (node, ...command) => cluster.fairway('exec', '--node', node, '--', ...command),
    outside: (...command) => cluster.fairway('exec', '--outside', '--', ...command),
  }
}

/** How everybody calls here: a failure within seconds, and a new connection each time. */
export const curl = (url: string, ...options: string[]) => ['curl', '-sS', '--max-time', '3', ...options, url]

/** A line of demoapp: who called, and who answered. */
export interface Visit {
  readonly client: string
  readonly pod: string
  readonly podIp: string
}

/** One for each line; undefined for a line that is something else. */
export function visits(text: string): (Visit | undefined)[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [, client, pod, podIp] = /ClientIP: (.+), ServerName: (.+), ServerIP: (.+)!$/.exec(line) ?? []
      return client && pod && podIp ? { client, pod, podIp } : undefined
    })
}

/** The visit that a single successful call made. */
export function visit(result: ExecResult): Visit | undefined {
  return result.code === 0 ? visits(result.stdout)[0] : undefined
}

/** For `sh -c`: as many calls as said, one after another; the first failure ends it. */
export function loop(url: string, count: number, options = ''): string {
  return `for i in $(seq ${count}); do curl -sS --max-time 3 ${options} ${url} || exit 1; done`
}

export interface PodRow {
  readonly name: string
  readonly ip: string
  readonly node: string
}

/** Pods that are ready and stay, by label. */
export async function readyPods(cluster: TestCluster, selector: string, namespace = 'default'): Promise<PodRow[]> {
  const text = await cluster.kubectl('get', 'pods', '-n', namespace, '-l', selector, '-o', 'json')
  const { items } = JSON.parse(text) as { items: PodObject[] }
  return items
    .filter(({ metadata, status }) => !metadata.deletionTimestamp && isReady(status))
    .map(({ metadata, spec, status }) => ({ name: metadata.name, ip: status.podIP ?? '', node: spec.nodeName ?? '' }))
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
  readonly spec: { readonly nodeName?: string }
  readonly status: { readonly podIP?: string; readonly conditions?: readonly { type: string; status: string }[] }
}

function isReady({ conditions = [] }: PodObject['status']): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

/** What `kubectl get … -w` prints while something else happens. */
export interface Watching {
  lines(): string[]
}

/** Returns when the first line is there; ends with the test. */
export async function watching(...args: string[]): Promise<Watching> {
  const child = spawn('kubectl', ['get', ...args, '-w', '--no-headers'], { stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const lines = () => text.split('\n').slice(0, -1)
  await eventually(`a first line of kubectl get ${args.join(' ')} -w`, async () => lines().length > 0)
  return { lines }
}
