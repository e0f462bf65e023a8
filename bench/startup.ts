/**
 * How long a cluster takes to be there and to answer, and what it costs while it does nothing. Runs in scripts/sandbox
 * (`scripts/bench startup`), with the state on the disk: FAIRWAY_STATE_DIR.
 *
 *   scripts/node bench/startup.ts [RUNS [NODES]]      default: 5 runs of one node
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine, partsOf, processesInNamespaces, runningPid } from '../src/cluster/processes.ts'
import { stateBase } from '../src/cluster/settings.ts'
import { existingCluster } from '../src/cluster/state.ts'
import { clusterStatus } from '../src/cluster/status.ts'
import { runOk } from '../src/lib/exec.ts'

const root = join(import.meta.dirname, '..')
const fairway = join(root, 'bin/fairway')
const idleSeconds = 5

interface Sample {
  /** `fairway up` until it returns: node Ready. */
  readonly upMs: number
  /** From nothing to the first answer through the Service's name, from inside a pod. */
  readonly answerMs: number
  readonly memoryMib: number
  /** Of one core. */
  readonly idlePercent: number
}

/** What was promised, for one node and for three. */
const limits: Record<number, Partial<Record<keyof Sample, number>>> = {
  1: { upMs: 1500, answerMs: 3000, memoryMib: 250, idlePercent: 1 },
  3: { memoryMib: 400 },
}
const titles: Record<keyof Sample, string> = {
  upMs: 'fairway up → nodes Ready (ms)',
  answerMs: 'nothing → first answer by name, three pods (ms)',
  memoryMib: "memory of the system's processes (MiB, sum of PSS)",
  idlePercent: `CPU while idle, ${idleSeconds} s (% of one core)`,
}

async function sample(): Promise<Sample> {
  const startedAt = performance.now()
  await runOk(fairway, ['up', '--nodes', String(nodes)])
  const upMs = performance.now() - startedAt
  await runOk('kubectl', ['--context', 'fairway', 'apply', '-f', join(root, 'examples/web.yaml')])
  await firstAnswer()
  const answerMs = performance.now() - startedAt
  // Three pods behind the name, not one, and start-up's garbage collected.
  await runOk('kubectl', ['--context', 'fairway', 'rollout', 'status', 'deployment/web', '--timeout=30s'])
  await seconds(3)
  const { layout } = existingCluster('fairway', stateBase(process.env))
  const before = cpuTicks(systemPids(layout))
  await seconds(idleSeconds)
  const idlePercent = (cpuTicks(systemPids(layout)) - before) / idleSeconds
  const { memoryKib } = await clusterStatus(layout)
  await runOk(fairway, ['down'])
  return { upMs, answerMs, memoryMib: memoryKib / 1024, idlePercent }
}

async function firstAnswer(): Promise<void> {
  const inAnyPod = ['--context', 'fairway', 'exec', 'deploy/web', '--']
  const ask = 'until curl -fsS --max-time 1 http://web; do sleep 0.01; done'
  for (let attempt = 0; ; attempt++) {
    try {
      await runOk('kubectl', [...inAnyPod, 'sh', '-c', ask], { timeoutMs: 20_000 })
      return
    } catch (error) {
      // The pod is not running yet.
      if (attempt > 200) throw error
    }
  }
}

function systemPids(layout: Parameters<typeof processesInNamespaces>[0]): number[] {
  const parts = partsOf(layout).flatMap((part) => runningPid(layout, part) ?? [])
  const pods = processesInNamespaces(layout).filter((pid) => /src\/(proxy|dns)\/main\.ts/.test(commandLine(pid)))
  return [...parts, ...pods]
}

/** User and system time in clock ticks, of which Linux has 100 a second: so ticks per second are per cent. */
function cpuTicks(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return sum + Number(fields[11]) + Number(fields[12])
  }, 0)
}

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000))

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

if (!process.env['FAIRWAY_SANDBOX']) throw new Error('run this with: scripts/bench startup')
const [runs = 5, nodes = 1] = process.argv.slice(2).map(Number)
const samples: Sample[] = []
for (let i = 0; i < runs; i++) samples.push(await sample())
console.log(
  `of ${runs} runs, ${nodes} node${nodes === 1 ? '' : 's'}`.padEnd(56),
  'median'.padStart(8),
  'worst'.padStart(8),
  'limit'.padStart(8),
)
for (const key of Object.keys(titles) as (keyof Sample)[]) {
  const values = samples.map((each) => each[key])
  const digits = key === 'idlePercent' ? 2 : 0
  const cells = [median(values), Math.max(...values), limits[nodes]?.[key]].map((value) =>
    (value?.toFixed(digits) ?? '').padStart(8),
  )
  console.log(titles[key].padEnd(56), ...cells)
}
