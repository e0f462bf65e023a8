/** What of the node a pod shares, what it may use, and how the node's ports lead to it. */
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Container, ContainerStatus, Pod } from '../../api/generated/v1.ts'
import { run, runOk } from '../../lib/exec.ts'
import { nodeIP, type TestAgent, TestNode } from '../testing/node.ts'

let node: TestNode
let agent: TestAgent

beforeAll(async () => {
  node = await TestNode.prepare()
  agent = await node.startAgent()
})

afterAll(async () => {
  agent.stop()
  await node.remove()
})

type Spec = Partial<NonNullable<Pod['spec']>>

const sleeping: Partial<Container> = { command: ['sleep', '1000'] }
const demoapp = { image: 'ikubernetes/demoapp:v1.0', readinessProbe: { httpGet: { path: '/readyz', port: 80 } } }

async function running(name: string, container: Partial<Container> = sleeping, spec: Spec = {}): Promise<string> {
  const uid = node.createPod(name, container, spec)
  await node.untilRunning(name)
  return uid
}

function status(pod: string, name = 'main'): ContainerStatus | undefined {
  return node.pod(pod)?.status?.containerStatuses?.find((one) => one.name === name)
}

const table = async () => (await run('nft', ['list', 'table', 'inet', 'fairway-host-ports'])).stdout
const answers = (url: string) => run('curl', ['-s', '-m', '2', '-o', '/dev/null', '-w', '%{http_code}', url])

describe('a host port', () => {
  test('leads to the pod from everywhere, before it is ready, and goes with it', async () => {
    const ports = [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 80, hostPort: 8081, hostIP: '127.0.0.1' },
      { containerPort: 53, hostPort: 5353, protocol: 'UDP' },
    ]
    const uid = await running('web', { ...demoapp, ports })
    expect(await table()).toContain(`udp dport 5353 dnat ip to ${node.pod('web')?.status?.podIP}:53`)
    expect((await answers(`http://${nodeIP}:8080/`)).stdout).toBe('200')
    expect((await answers('http://127.0.0.1:8080/')).stdout).toBe('200')
    expect((await answers('http://127.0.0.1:8081/')).stdout).toBe('200')
    expect((await answers(`http://${nodeIP}:8081/`)).stdout).toBe('000')
    expect(await agent.output(uid, `curl -s -m 2 http://${nodeIP}:8080/`), 'from itself').toContain('demoapp')
    const other = await running('other')
    expect(await agent.output(other, `curl -s -m 2 http://${nodeIP}:8080/`)).toContain('ServerName: web')
    await node.deletePod('web')
    expect(await table()).toBe('')
    await node.deletePod('other')
  })

  test('is put back by the next agent', async () => {
    await running('kept', { ...demoapp, ports: [{ containerPort: 80, hostPort: 8080 }] })
    agent.stop()
    await runOk('nft', ['delete', 'table', 'inet', 'fairway-host-ports'])
    agent = await node.startAgent()
    expect((await answers(`http://${nodeIP}:8080/`)).stdout).toBe('200')
    await node.deletePod('kept')
  })
})

describe('processes', () => {
  const two = [
    { name: 'main', image: 'busybox', command: ['sh', '-c', 'sleep 1000 & exec sleep 2000'] },
    { name: 'side', image: 'busybox', command: ['sleep', '3000'] },
  ]
  const list = 'cat /proc/[0-9]*/cmdline | tr "\\0" " "'

  test('are shared within the pod on request; an ended container leaves none', async () => {
    const uid = await running('shared', {}, { containers: two, shareProcessNamespace: true })
    const seen = await agent.output(uid, list, 'side')
    expect(seen).toContain('/pause')
    expect(seen).toContain('sleep 2000')
    const log = () => status('shared')?.restartCount
    await agent.output(uid, "kill $(grep -l 'sleep.2000' /proc/[0-9]*/cmdline | grep -o '[0-9]*')", 'side')
    await node.api.until('the restart', () => log() === 1)
    await node.untilRunning('shared')
    const pids = (await agent.output(uid, list, 'side')).match(/sleep 1000/g)
    expect(pids, 'the former one has gone with its container').toHaveLength(1)
    await node.deletePod('shared')
  })

  test("are the host's on request, and end with the pod", async () => {
    const uid = await running('host', {}, { containers: two, hostPID: true })
    expect(await agent.output(uid, `tr '\\0' ' ' < /proc/${process.pid}/cmdline`)).toContain('vitest')
    await node.deletePod('host')
    await expect.poll(() => existsSync(`${node.stateDir}/${uid}`)).toBe(false)
    expect((await run('pgrep', ['-fx', 'sleep 1000'])).stdout).toBe('')
  })

  test("of the host's IPC are seen with hostIPC alone", async () => {
    const own = await running('own')
    const host = await running('ipc', sleeping, { hostIPC: true })
    const namespace = (await run('readlink', ['/proc/self/ns/ipc'])).stdout
    expect(await agent.output(own, 'readlink /proc/self/ns/ipc')).not.toBe(namespace)
    expect(await agent.output(host, 'readlink /proc/self/ns/ipc')).toBe(namespace)
    await Promise.all([node.deletePod('own'), node.deletePod('ipc')])
  })
})

describe('limits', () => {
  const mounts = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/cpu', '/sys/fs/cgroup']
  const left = () => mounts.flatMap((mount) => (existsSync(`${mount}/fairway`) ? readdirSync(`${mount}/fairway`) : []))

  test('hold the container, and are gone after it', async () => {
    const resources = { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '250m', memory: '32Mi' } }
    const uid = await running('limited', { ...sleeping, resources })
    const pid = agent.runtime.observe(uid).containers.get('main')?.current.pid
    const groups = (await run('cat', [`/proc/${pid}/cgroup`])).stdout
    expect(groups).toContain(`/fairway/fw-test/pod${uid}/main-0`)
    const files = [
      ['memory/X/memory.limit_in_bytes', 'X/memory.max', '67108864'],
      ['cpu/X/cpu.cfs_quota_us', 'X/cpu.max', '50000'],
      ['cpu/X/cpu.shares', 'X/cpu.weight', '256'],
    ].map((file) => file.map((one) => one.replace('X', `fairway/fw-test/pod${uid}/main-0`)))
    const [memory = [], quota = [], shares = []] = files
    if (existsSync(`/sys/fs/cgroup/${memory[0]}`)) {
      for (const [v1, , text] of [memory, quota, shares]) {
        expect((await run('cat', [`/sys/fs/cgroup/${v1}`])).stdout.trim(), v1).toBe(text)
      }
    } else expect((await run('cat', [`/sys/fs/cgroup/${memory[1]}`])).stdout.trim()).toBe(memory[2])
    expect((await run('cat', [`/proc/${pid}/oom_score_adj`])).stdout.trim()).toBe('996')
    await node.deletePod('limited')
    await expect.poll(left).toEqual([])
  })

  test('of memory end what exceeds them', async () => {
    const command = ['perl', '-e', 'my @all; push @all, "x" x 1_000_000 while 1']
    const resources = { limits: { memory: '32Mi' } }
    node.createPod('greedy', { command, resources }, { restartPolicy: 'Never' })
    await node.api.until('its end', () => status('greedy')?.state?.terminated !== undefined)
    expect(status('greedy')?.state?.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 })
    await node.deletePod('greedy')
    await expect.poll(left).toEqual([])
  })
})

describe('security', () => {
  const refusals: [what: string, security: Container['securityContext'], message: RegExp][] = [
    [
      'root by image',
      { runAsNonRoot: true },
      /^container has runAsNonRoot and image will run as root \(pod: "refused_/,
    ],
    [
      'root by name',
      { runAsNonRoot: true, runAsUser: 0 },
      /^container's runAsUser breaks non-root policy \(pod: "refused_/,
    ],
  ]
  test.each(refusals)('%s is refused', async (_, securityContext, message) => {
    node.createPod('refused', { ...sleeping, securityContext })
    const waiting = () => status('refused')?.state?.waiting
    await node.api.until('the refusal', () => waiting()?.reason === 'CreateContainerConfigError')
    expect(waiting()?.message).toMatch(message)
    expect(waiting()?.message).toMatch(/container: main\)$/)
    await node.deletePod('refused')
  })

  test('sysctls of the pod are set', async () => {
    const sysctls = [
      { name: 'net.ipv4.ip_local_port_range', value: '1024 2000' },
      { name: 'kernel.shm_rmid_forced', value: '1' },
    ]
    const uid = await running('sysctl', sleeping, { securityContext: { sysctls } })
    const read = 'cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/shm_rmid_forced'
    expect(await agent.output(uid, read)).toBe('1024\t2000\n1\n')
    await node.deletePod('sysctl')
  })

  test('a privileged container has the devices, but writes none of its own to the host', async () => {
    const uid = await running('privileged', { ...sleeping, securityContext: { privileged: true } })
    expect(await agent.output(uid, 'test -c /dev/null && test -c /dev/kmsg && touch /dev/mine && echo yes')).toBe(
      'yes\n',
    )
    expect(existsSync('/dev/mine') || existsSync('/dev/termination-log')).toBe(false)
    await node.deletePod('privileged')
  })
})

describe('host names', () => {
  test('may be the full one; too long a one is told', async () => {
    const uid = await running('named', sleeping, { hostname: 'web', subdomain: 'sub', setHostnameAsFQDN: true })
    expect(await agent.output(uid, 'hostname; cat /proc/sys/kernel/hostname; grep web /etc/hosts')).toBe(
      `web.sub.default.svc.cluster.local\nweb.sub.default.svc.cluster.local\n${node.pod('named')?.status?.podIP}\tweb.sub.default.svc.cluster.local\tweb\n`,
    )
    await node.deletePod('named')
    node.createPod('long', sleeping, { hostname: 'x'.repeat(40), subdomain: 'sub', setHostnameAsFQDN: true })
    const words = 'is too long (64 characters is the max'
    const told = () => node.events('long').some(({ message }) => message?.includes(words))
    await node.api.until('the event', told)
    await node.deletePod('long')
  })
})

describe('a gRPC probe', () => {
  test('of nobody fails with words', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, nodeIP, resolve))
    server.close()
    const readinessProbe = { grpc: { port: 9 }, periodSeconds: 1, failureThreshold: 1 }
    node.createPod('grpc', { ...sleeping, readinessProbe })
    const words = 'Readiness probe failed: timeout: failed to connect service "10.244.'
    const told = () => node.events('grpc').some(({ message }) => message?.startsWith(words))
    await node.api.until('the event', told)
    await node.deletePod('grpc')
  })
})
