/** What `up` and `down` promise: nothing left behind, nothing lost, and errors that say what to do. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { assertSandbox, example, fairway, root, startCluster } from '../harness.ts'
import { base, kubeconfig, traces } from './traces.fixture.ts'

beforeAll(assertSandbox)
afterEach(async () => {
  await fairway('down')
})

test('down leaves nothing: no process, namespace, mount, link, route, rule, cgroup, file', async () => {
  const before = await traces()
  const cluster = await startCluster()
  await cluster.kubectl('apply', '-f', example('web.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  expect((await traces()).namespaces.length).toBeGreaterThan(4)
  await cluster.down()
  expect(await traces()).toEqual(before)
})

test("down gives the user's kubeconfig back as it was, comments and all", async () => {
  const text = `# mine
apiVersion: v1
kind: Config
clusters:
  - name: work
    cluster:
      server: https://work.example.org
contexts:
  - name: work
    context:
      cluster: work
      user: me
users:
  - name: me
    user:
      token: secret # keep
current-context: work
`
  writeFileSync(kubeconfig, text)
  const cluster = await startCluster()
  const current = () => run('kubectl', ['config', 'current-context'])
  expect((await current()).stdout).toBe('fairway\n')
  await cluster.down()
  expect(readFileSync(kubeconfig, 'utf8')).toBe(text)
})

test('a second cluster of the same name is refused, and the first lives on', async () => {
  const cluster = await startCluster()
  const second = await fairway('up')
  expect(second.code).toBe(1)
  expect(second.stderr).toMatch(/^fairway: cluster fairway is running already \(since .*\); see: fairway status/)
  expect(await cluster.kubectl('get', 'nodes', '--no-headers')).toMatch(/^node-1 +Ready/)
})

test.each([
  [['--nodes', 'many'], "argument 'many' is invalid. must be a whole number above 0"],
  [['--service-cidr', '10.244.0.0/20'], '--service-cidr 10.244.0.0/20 overlaps --pod-cidr 10.244.0.0/16'],
  [['--pod-cidr', 'wide'], '--pod-cidr wide: wide is not an address range'],
  [['--name', 'Big_Name'], '--name Big_Name: use at most 12 lower case letters'],
  [['--cluster-domain', '-x'], '--cluster-domain -x: not a domain name'],
])('up %j is refused', async (options, message) => {
  const result = await fairway('up', ...options)
  expect(result.code).toBe(1)
  expect(result.stderr).toContain(message)
  expect(readdirSync('/run/netns')).toEqual([])
})

test('a range that the machine uses already is refused, and nothing is left', async () => {
  await run('ip', ['route', 'add', 'unreachable', '10.96.8.0/24'])
  try {
    const result = await fairway('up')
    expect(result.code).toBe(1)
    expect(result.stderr).toContain('--service-cidr 10.96.0.0/12 overlaps 10.96.8.0/24')
    expect(readdirSync('/run/netns')).toEqual([])
    expect(existsSync(`${base}/fairway`)).toBe(false)
  } finally {
    await run('ip', ['route', 'del', 'unreachable', '10.96.8.0/24'])
  }
})

test('commands on a cluster that is not there say so', async () => {
  for (const command of [['down'], ['status'], ['kubeconfig'], ['exec', '--', 'true'], ['logs', 'node-1']]) {
    const result = await fairway(...command)
    expect(result.code).toBe(1)
    expect(result.stderr).toBe(`fairway: no cluster "fairway" in ${base}; start one with: fairway up\n`)
  }
})

test('what an interrupted start left is cleaned away by the next', async () => {
  await run('ip', ['netns', 'add', 'fw-fairway'])
  mkdirSync(`${base}/fairway/logs`, { recursive: true })
  const result = await fairway('up')
  expect(result.stderr).toBe('')
  expect(result.stdout).toContain('left by an interrupted start of fairway: made anew')
})

test("exec passes on the command's exit code and its input", async () => {
  await startCluster()
  expect((await fairway('exec', '--', 'sh', '-c', 'exit 7')).code).toBe(7)
  const piped = await run('sh', ['-c', 'echo hello | bin/fairway exec -- cat'])
  expect(piped.stdout).toBe('hello\n')
  const logs = await fairway('logs', 'kube-proxy')
  expect(logs.stdout).toContain('"part":"kube-proxy"')
})

test('who has read enough is no error', async () => {
  await startCluster()
  for (const command of ['status', 'logs control-plane', 'node list', 'kubeconfig']) {
    const result = await run('bash', ['-c', `set -o pipefail; bin/fairway ${command} | true`])
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' })
  }
})

test('another user than root is told what is needed, whatever the command', async () => {
  for (const command of ['up', 'down', 'status', 'kubeconfig']) {
    const program = ['--reuid', '65534', '--regid', '65534', '--clear-groups', join(root, 'bin/fairway'), command]
    const { code, stderr } = await run('setpriv', program)
    expect(code, command).toBe(1)
    expect(stderr, command).toContain('only root may: try sudo')
  }
})
