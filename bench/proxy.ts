/**
 * The proxy's times: from an event in the tracker to rules in the kernel, with 1, 100, 1000 and 5000 Services there; and
 * the program's start-up, memory and idle CPU against a served API with 10 Services. Run: scripts/sandbox scripts/node
 * bench/proxy.ts
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/lib/clock.ts'
import { run, runOk } from '../src/lib/exec.ts'
import { silentLogger } from '../src/lib/log.ts'
import { loadConfig } from '../src/proxy/config/config.ts'
import { FlowCleaner } from '../src/proxy/conntrack.ts'
import { cleanupIptables, makeIptablesMode, probeIptables } from '../src/proxy/modes/iptables/make.ts'
import { Syncer } from '../src/proxy/syncer.ts'
import { FakeApi } from '../src/proxy/testing/fake-api.ts'
import { service, slice } from '../src/proxy/testing/objects.ts'
import { Tracker } from '../src/proxy/track/tracker.ts'

const sizes = [1, 100, 1000, 5000]
const rounds = 9
const header =
  'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16\n'

if (!process.env['FAIRWAY_SANDBOX']) throw new Error('run me as: scripts/sandbox scripts/node bench/proxy.ts')

/** Milliseconds; medians but for `full`, the first sync of everything. */
async function measureSyncs(size: number) {
  const tracker = new Tracker({ node: 'node-1' })
  const stop = new AbortController()
  let passed: () => void = () => {}
  const config = await loadConfig(header)
  const syncer = new Syncer({
    tracker,
    makeMode: async (family) =>
      makeIptablesMode({
        family,
        config,
        exec: run,
        log: silentLogger,
        machine: await probeIptables(family, run),
        nodeIp: '172.30.9.2',
        podCidrs: [],
        nodePortAddresses: 'all',
      }),
    flows: new FlowCleaner({ exec: run, log: silentLogger }),
    clock: systemClock,
    observer: { queued: () => {}, synced: () => passed(), failed: () => {} },
    follower: { taken: () => {}, committed: () => {} },
    minIntervalMs: 0,
    log: silentLogger,
  })
  for (let i = 0; i < size; i++) fill(tracker, i)
  const full = await timed(() => syncer.start(stop.signal))
  const one = (change: (round: number) => void) =>
    median(rounds, (round) =>
      timed(
        () =>
          new Promise<void>((resolve) => {
            passed = resolve
            change(round)
            syncer.poke()
          }),
      ),
    )
  const endpoint = await one((round) => tracker.setSlice(slice('demo/s0', [`10.244.9.${round + 1}`, '10.244.9.200'])))
  const added = await one((round) => fill(tracker, size + round))
  const deleted = await one((round) => tracker.deleteService(makeService(size + round)))
  stop.abort()
  await cleanupIptables(run)
  return `${size} services: full ${ms(full)}, endpoint changed ${ms(endpoint)}, service added ${ms(added)}, deleted ${ms(deleted)}`
}

function makeService(i: number) {
  return service(`demo/s${i}`, `10.96.${Math.floor(i / 250)}.${(i % 250) + 1}`)
}

function fill(tracker: Tracker, i: number): void {
  tracker.setService(makeService(i))
  tracker.setSlice(slice(`demo/s${i}`, [`10.244.${Math.floor(i / 250)}.${(i % 250) + 1}`, '10.244.99.1']))
}

/** The program as it runs in a pod. */
async function measureProgram() {
  const api = new FakeApi()
  await api.start()
  for (let i = 0; i < 10; i++) {
    api.put('services', makeService(i))
    api.put('endpointslices', slice(`demo/s${i}`, ['10.244.0.9']))
  }
  const directory = mkdtempSync(join(tmpdir(), 'proxy-bench-'))
  writeFileSync(join(directory, 'kubeconfig'), api.kubeconfig())
  writeFileSync(
    join(directory, 'config'),
    `${header}clientConnection:\n  kubeconfig: ${join(directory, 'kubeconfig')}\n`,
  )
  await startProgram(directory).then(endProgram)
  const starts: number[] = []
  let child: ChildProcess | undefined
  for (let i = 0; i < rounds; i++) {
    if (child) await endProgram(child)
    starts.push(await timed(async () => void (child = await startProgram(directory))))
  }
  if (!child?.pid) throw new Error('the proxy did not start')
  const processes = [child.pid, ...(await childrenOf(child.pid))]
  await sleep(3000)
  const before = cpuMs(processes)
  const idleMs = 10_000
  await sleep(idleMs)
  const cpu = ((cpuMs(processes) - before) / idleMs) * 100
  const memory = processes.reduce((sum, pid) => sum + pssKb(pid), 0) / 1024
  await endProgram(child)
  api.close()
  rmSync(directory, { recursive: true })
  return `program: start to rules ${ms(middle(starts))}, PSS ${memory.toFixed(1)} MB, idle CPU ${cpu.toFixed(2)} %`
}

async function startProgram(directory: string): Promise<ChildProcess> {
  const root = join(import.meta.dirname, '..')
  const args = [join(root, 'src/proxy/main.ts'), `--config=${join(directory, 'config')}`, '--hostname-override=node-1']
  const child = spawn(join(root, 'scripts/node'), args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  for await (const chunk of child.stderr) {
    output += String(chunk)
    if (output.includes('rules are in place')) return child
  }
  throw new Error(`the proxy ended: ${output}`)
}

async function endProgram(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill()
  await gone
}

async function childrenOf(pid: number): Promise<number[]> {
  return (await runOk('cat', [`/proc/${pid}/task/${pid}/children`])).trim().split(' ').filter(Boolean).map(Number)
}

/** User and system time; the kernel counts in hundredths of a second. */
function cpuMs(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, t) => sum + t, 0) * 10
}

function pssKb(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
}

async function timed(action: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await action()
  return performance.now() - started
}

async function median(count: number, measure: (round: number) => Promise<number>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < count; i++) times.push(await measure(i))
  return middle(times)
}

function middle(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

function sleep(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration))
}

for (const size of sizes) console.log(await measureSyncs(size))
console.log(await measureProgram())
