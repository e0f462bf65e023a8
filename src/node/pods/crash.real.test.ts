/** The agent is killed at random moments. FAIRWAY_SEED repeats a run, FAIRWAY_ROUNDS makes it longer. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/v1.ts'
import { run, runOk } from '../../lib/exec.ts'
import { observePod } from '../runtime/observe.ts'
import { listPods, memoryDirectory, netnsDirectory, podPaths } from '../runtime/paths.ts'
import { AgentProcess } from '../testing/agent-process.ts'
import { isReady, podsPath, TestNode } from '../testing/node.ts'

const seed = Number(process.env['FAIRWAY_SEED'] ?? Date.now() % 1_000_000)
const rounds = Number(process.env['FAIRWAY_ROUNDS'] ?? 20)
const directory = mkdtempSync(join(tmpdir(), 'fairway-crash-'))
let node: TestNode
let agent: AgentProcess

beforeAll(async () => {
  node = await TestNode.prepare()
  agent = await AgentProcess.prepare(node, directory)
})

afterAll(async () => {
  await agent.close()
  await node.remove()
  rmSync(directory, { recursive: true })
})

/** Small, fast, good enough: mulberry32. */
function randomFrom(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const volumes = [
  { name: 'scratch', emptyDir: { medium: 'Memory' } },
  { name: 'settings', configMap: { name: 'settings' } },
]
const volumeMounts = [
  { name: 'scratch', mountPath: '/scratch' },
  { name: 'settings', mountPath: '/settings' },
]
const script = 'trap "exit 0" TERM; sleep 100000 & wait'

function pods(): Pod[] {
  return node.api.list<Pod>(podsPath)
}

/** One thing that a user or the machine does. */
function disturb(random: (below: number) => number, round: number): void {
  const alive = pods().filter(({ metadata }) => !metadata.deletionTimestamp)
  const victim = alive[random(Math.max(1, alive.length))]
  const what = alive.length < 3 ? 0 : random(6)
  if (what < 3 || !victim) {
    const initContainers = random(2) ? [{ name: 'first', image: 'busybox', command: ['true'] }] : []
    node.createPod(
      `pod-${round}`,
      { command: ['sh', '-c', script], volumeMounts, ports: [{ containerPort: 80, hostPort: 20_000 + round }] },
      { volumes, initContainers, terminationGracePeriodSeconds: 2 },
    )
  } else if (what === 3) node.api.deleteGracefully(`${podsPath}/${victim.metadata.name}`, random(2))
  else if (what === 4) node.api.remove(`${podsPath}/${victim.metadata.name}`)
  else killProgram(victim)
}

function killProgram({ metadata }: Pod): void {
  const run = observePod(podPaths(node.stateDir, metadata.uid ?? '')).containers.get('main')?.current
  if (run?.pid) process.kill(run.pid, 'SIGKILL')
}

/** Processes in another process namespace than ours: programs in containers. */
function programs(): number[] {
  const own = readlinkSync('/proc/self/ns/pid')
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readlinkSync(`/proc/${name}/ns/pid`) !== own
      } catch {
        return false
      }
    })
    .map(Number)
}

function shims(): string[] {
  return readdirSync('/proc').filter((name) => {
    const file = `/proc/${name}/cmdline`
    return /^\d+$/.test(name) && existsSync(file) && readFileSync(file, 'utf8').includes('shim.pl')
  })
}

/** The node's own memory file system stays. */
function isOfPod(mount: string): boolean {
  return (mount.includes(node.stateDir) && !mount.includes('/.memory ')) || mount.includes('fw-test')
}

async function machine() {
  const links = await runOk('ip', ['-o', 'link'])
  const routes = await runOk('ip', ['route', 'show', 'table', 'main'])
  const ports = (await run('nft', ['list', 'ruleset'])).stdout
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return {
    pods: listPods(node.stateDir).sort(),
    namespaces: readdirSync(netnsDirectory)
      .map((name) => name.replace('fw-test-', ''))
      .sort(),
    inMemory: listPods(memoryDirectory(node.stateDir)).sort(),
    hostPorts: ports.split('\n').filter((line) => line.includes('dnat ip to')).length,
    cables: links.split('\n').filter((line) => line.includes('veth')).length,
    routes: routes.split('\n').filter((line) => line.includes('veth')).length,
    mounts: mounts.filter(isOfPod).length,
    programs: programs().length,
    shims: shims().length,
  }
}

test(`an agent killed ${rounds} times leaves exactly what the API names (seed ${seed})`, async () => {
  const random = randomFrom(seed)
  node.api.put('/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'settings', namespace: 'default' },
  })
  agent.start()
  await sleep(300)
  for (let round = 0; round < rounds; round++) {
    for (let i = random(3); i >= 0; i--) disturb(random, round * 10 + i)
    await sleep(random(150))
    await agent.kill()
    agent.start()
    // Sometimes it is killed before it has begun, sometimes in the middle of the work of its predecessor.
    await sleep(200 + random(600))
  }
  const settled = () => pods().every((pod) => !pod.metadata.deletionTimestamp && isReady(pod))
  await node.api.until('all pods to be ready', settled, 40_000)
  const uids = pods().map(({ metadata }) => metadata.uid ?? '')
  const count = uids.length
  // A shell and its sleep in each; namespaces of three kinds and a volume.
  const expected = {
    pods: [...uids].sort(),
    namespaces: [...uids].sort(),
    inMemory: [...uids].sort(),
    hostPorts: count,
    cables: count,
    routes: count,
    mounts: count * 4,
    programs: count * 2,
    shims: count,
  }
  await expect.poll(machine, { timeout: 15_000, interval: 200 }).toEqual(expected)
  expect(new Set(pods().map(({ status }) => status?.podIP)).size).toBe(count)
  for (const { metadata } of pods()) node.api.deleteGracefully(`${podsPath}/${metadata.name}`, 0)
  await node.api.until('all pods to be gone', () => pods().length === 0, 20_000)
  const nothing = {
    pods: [],
    namespaces: [],
    inMemory: [],
    hostPorts: 0,
    cables: 0,
    routes: 0,
    mounts: 0,
    programs: 0,
    shims: 0,
  }
  await expect.poll(machine).toEqual(nothing)
}, 180_000)
