import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, root } from '../harness.ts'
import { curl, loop, startThreeNodes, type ThreeNodes, visit, visits } from './three-nodes.ts'

let cluster: ThreeNodes
let haproxy: ChildProcess
let directory = ''
const url = 'http://127.0.0.1:8080'

beforeAll(async () => {
  cluster = await startThreeNodes('--node-monitor-grace-period', '3')
  await cluster.kubectl('apply', '-f', example('web.yaml'), '-f', example('node-port.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  directory = mkdtempSync(join(tmpdir(), 'fairway-w14-'))
  writeFileSync(join(directory, 'stats.cfg'), `global\n  stats socket ${join(directory, 'stats')}\n`)
  const command = ['haproxy', '-db', '-f', example('haproxy.cfg'), '-f', join(directory, 'stats.cfg')]
  haproxy = spawn(join(root, 'bin/fairway'), ['exec', '--outside', '--', ...command], { stdio: 'ignore' })
  await eventually('three servers up', async () => (await serversThatAre('UP')).length === 3)
})
afterAll(async () => {
  haproxy?.kill('SIGTERM')
  await cluster?.down()
  rmSync(directory, { recursive: true, force: true })
})

/** As HAProxy's own health checks see them. */
async function serversThatAre(status: 'UP' | 'DOWN'): Promise<string[]> {
  const socket = connect(join(directory, 'stats'))
  socket.end('show stat\n')
  const rows = (await text(socket)).split('\n').map((line) => line.split(','))
  return rows.filter(([backend, name]) => backend === 'nodes' && name !== 'BACKEND').flatMap(serverWith(status))
}

/** The columns are CSV; the eighteenth is the status. */
const serverWith = (status: string) => (row: string[]) => (row[17] === status && row[1] ? [row[1]] : [])

async function calls(count: number): Promise<ReturnType<typeof visits>> {
  const result = await cluster.outside('sh', '-c', loop(url, count))
  expect(result).toMatchObject({ code: 0, stderr: '' })
  const seen = visits(result.stdout)
  expect(seen).toHaveLength(count)
  expect(seen).not.toContain(undefined)
  return seen
}

const clientsOf = async (count: number) => new Set((await calls(count)).map((one) => one?.client))

test('W14 HAProxy balances over the node port of three nodes', async () => {
  await eventually('an answer', async () => visit(await cluster.outside(...curl(url))))
  await eventually('calls through all three', async () => (await clientsOf(30)).size === 3)
})

test('W14 one node is taken away, and no client notices after the health check', async () => {
  expect((await cluster.fairway('node', 'stop', 'node-2')).code).toBe(0)
  await eventually('node-2 down', async () => (await serversThatAre('DOWN')).includes('node-2'))
  const range = await cluster.kubectl('get', 'node', 'node-2', '-o', 'jsonpath={.spec.podCIDR}')
  for (const node of ['node-1', 'node-3']) {
    await eventually(`no rule of ${node} to lead to node-2`, async () => {
      const rules = (await cluster.on(node, 'iptables-save', '-t', 'nat')).stdout
      return rules.includes('default/web-nodeport:http -> ') && !rules.includes(` -> ${range.replace(/0\/24$/, '')}`)
    })
  }
  await eventually('the other two up', async () => (await serversThatAre('UP')).length === 2)
  expect(await clientsOf(60)).not.toContain(cluster.nodes.get('node-2'))
  await eventually('a share for each of the others', async () => (await clientsOf(30)).size === 2)
})

test('W14 the node comes back, and gets its share again', async () => {
  expect((await cluster.fairway('node', 'start', 'node-2')).code).toBe(0)
  await eventually('three servers up', async () => (await serversThatAre('UP')).length === 3)
  await eventually('calls through all three', async () => (await clientsOf(30)).size === 3)
})
