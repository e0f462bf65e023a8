/**
 * Pods on one node without a cluster: milliseconds from a pod's arrival to ready, one by one and many at once, and what
 * a pod costs in memory. `scripts/sandbox scripts/node bench/pods.ts [COUNT]`
 */
import { readdirSync, readFileSync } from 'node:fs'
import { isReady, TestNode } from '../src/node/testing/node.ts'

const count = Number(process.argv[2] ?? 20)
const demoapp = {
  image: 'ikubernetes/demoapp:v1.0',
  readinessProbe: { httpGet: { path: '/readyz', port: 80 }, periodSeconds: 10 },
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Kilobytes of the processes whose command line matches. */
function pss(pattern: RegExp): number {
  let sum = 0
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!pattern.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) continue
      sum += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      // It ended while we looked.
    }
  }
  return sum
}

const node = await TestNode.prepare()
const agent = await node.startAgent()
try {
  const running: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    node.createPod(`one-${i}`, demoapp)
    await node.untilRunning(`one-${i}`)
    running.push(performance.now() - start)
  }
  const shims = pss(/shim\.pl/)
  const programs = pss(/^nginx/)
  const removing: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await node.deletePod(`one-${i}`, 1)
    removing.push(performance.now() - start)
  }
  const start = performance.now()
  const names = Array.from({ length: count }, (_, i) => `many-${i}`)
  for (const name of names) node.createPod(name, demoapp)
  await node.api.until('all pods', () => names.every((name) => isReady(node.pod(name))), 60_000)
  const together = performance.now() - start
  await Promise.all(names.map((name) => node.deletePod(name)))
  console.log(`one by one: ${median(running).toFixed(0)} ms a pod to ready (median of ${count})`)
  console.log(`deleted gracefully: ${median(removing).toFixed(0)} ms a pod (median of ${count})`)
  console.log(`${count} at once: ${together.toFixed(0)} ms, ${(together / count).toFixed(0)} ms a pod`)
  console.log(`memory: ${(shims / count).toFixed(0)} kB PSS a shim, ${(programs / count).toFixed(0)} kB a demoapp`)
} finally {
  agent.stop()
  await node.remove()
}
