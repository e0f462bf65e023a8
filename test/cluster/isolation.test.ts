/** What pods may use and do, and the node's ports that lead to them: with the real kubectl, on two nodes with a proxy. */
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { eventually, startCluster, type TestCluster } from '../harness.ts'

let cluster: TestCluster

beforeAll(async () => {
  cluster = await startCluster('--nodes', '2')
})
afterAll(() => cluster?.down())

const nodeIPs = ['172.30.0.11', '172.30.0.12'] as const

interface PodOptions {
  readonly image?: string
  readonly node?: string
  /** Lines of YAML, of the container and of the pod's spec. */
  readonly container?: string
  readonly spec?: string
}

const indented = (text: string, spaces: number) =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `${' '.repeat(spaces)}${line}\n`)
    .join('')

const manifest = (name: string, { image = 'busybox', node, container = '', spec = '' }: PodOptions) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  terminationGracePeriodSeconds: 0
${node ? `  nodeSelector: {kubernetes.io/hostname: ${node}}\n` : ''}${indented(spec, 2)}  containers:
  - name: c
    image: ${image}
${indented(container, 4)}`

const create = (name: string, options: PodOptions) => cluster.apply(manifest(name, options))
const ready = (...names: string[]) =>
  cluster.kubectl('wait', '--for=condition=Ready', ...names.map((name) => `pod/${name}`), '--timeout=20s')
const remove = (...names: string[]) => cluster.kubectl('delete', 'pod', '--now', ...names)
const field = (name: string, path: string) => cluster.kubectl('get', 'pod', name, '-o', `jsonpath={${path}}`)
const demoapp = { image: 'ikubernetes/demoapp:v1.0', node: 'node-1' }
const curl = async (url: string) => (await run('curl', ['-sm', '5', url])).stdout
const sleeping = 'command: [sleep, "1000"]'

describe('host ports', () => {
  // Kubernetes' own conformance test of this name; its pods are agnhost's.
  test('with same hostPort but different hostIP and protocol do not conflict', async () => {
    const udp = `perl -MIO::Socket::IP -e '
      $s = IO::Socket::IP->new(Proto => "udp", LocalPort => 80);
      while (defined $s->recv($m, 99)) { $s->send("udp") }'`
    const port = (hostIP: string, protocol: string) =>
      `ports: [{containerPort: 80, hostPort: 54323, protocol: ${protocol}, hostIP: ${hostIP}}]`
    await create('pod1', { ...demoapp, container: port('127.0.0.1', 'TCP') })
    await create('pod2', { ...demoapp, container: port(nodeIPs[0], 'TCP') })
    await create('pod3', {
      node: 'node-1',
      container: `command: [sh, -c, ${JSON.stringify(udp)}]\n${port(nodeIPs[0], 'UDP')}`,
    })
    await create('host', { node: 'node-1', container: sleeping, spec: 'hostNetwork: true' })
    await ready('pod1', 'pod2', 'pod3', 'host')
    const ask = (...command: string[]) => cluster.inPod('host', ...command)
    expect(await ask('curl', '-sm5', '--interface', nodeIPs[0], 'http://127.0.0.1:54323')).toContain('ServerName: pod1')
    expect(await ask('curl', '-sm5', `http://${nodeIPs[0]}:54323`)).toContain('ServerName: pod2')
    const client = `$s = IO::Socket::IP->new(Proto => "udp", PeerHost => "${nodeIPs[0]}", PeerPort => 54323);
      alarm 2; $s->send("?"); $s->recv($m, 99); print $m`
    expect(await ask('perl', '-MIO::Socket::IP', '-e', client)).toBe('udp')

    await create('pod4', { ...demoapp, container: port('0.0.0.0', 'TCP') })
    const message = () => field('pod4', '.status.conditions[?(@.type=="PodScheduled")].message')
    await eventually('the conflict', async () => (await message()).includes('free ports'))
    expect(await message()).toContain("1 node(s) didn't have free ports for the requested pod ports")
    await remove('pod1', 'pod2')
    await ready('pod4')
    await remove('pod3', 'pod4', 'host')
  })

  test('are reached from everywhere, whatever happens to the proxy and the agent', async () => {
    const ports = 'ports: [{containerPort: 80, hostPort: 8080}]'
    await create('web', { ...demoapp, container: ports })
    await create('far', { node: 'node-2', container: sleeping })
    await cluster.kubectl('expose', 'pod', 'web', '--port=80')
    await ready('web', 'far')
    const url = `http://${nodeIPs[0]}:8080`
    const far = await field('far', '.status.podIP')
    const all = async () => {
      expect(await curl(url), 'from outside').toContain('ServerName: web')
      expect(await cluster.onNode('curl', '-sm5', 'http://localhost:8080'), 'from the node').toContain(
        'ServerName: web',
      )
      expect(await cluster.inPod('far', 'curl', '-sm5', url), 'from another node').toContain(`ClientIP: ${far}`)
      expect(await cluster.inPod('web', 'curl', '-sm5', url), 'from itself').toContain('ServerName: web')
    }
    await all()
    const rules = () => cluster.onNode('iptables-save', '-t', 'nat')
    await cluster.onNode('iptables', '-t', 'nat', '-F')
    await all()
    await eventually("the proxy's rules", async () => (await rules()).includes('default/web'))
    const agent = (await run('pgrep', ['-f', 'node/main.ts .*node-1'])).stdout.trim().split('\n')[0] ?? ''
    process.kill(Number(agent), 'SIGKILL')
    expect(await curl(url), 'without an agent').toContain('ServerName: web')
    await eventually('the next agent', async () => {
      await all()
      return true
    })
    await remove('web', 'far')
    await eventually('no rules', async () => !(await cluster.onNode('nft', 'list', 'tables')).includes('host-ports'))
    expect(await curl(url)).toBe('')
  })

  test('are the ports of containers on the host network', async () => {
    const spec = 'hostNetwork: true'
    await create('host', { container: `${sleeping}\nports: [{containerPort: 9999}]`, spec })
    expect(await field('host', '.spec.containers[0].ports[0].hostPort')).toBe('9999')
    const other = manifest('other', { container: 'ports: [{containerPort: 80, hostPort: 81}]', spec })
    const { stderr } = await cluster.tryKubectl(['apply', '-f', '-'], other)
    expect(stderr).toContain(
      'spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true',
    )
    await remove('host')
  })
})

describe('limits', () => {
  test('of memory are told as OOMKilled', async () => {
    const command = `command: [perl, -e, 'my @all; push @all, "x" x 1_000_000 while 1']`
    const limits = 'resources: {limits: {memory: 32Mi}}'
    await create('greedy', { container: `${command}\n${limits}`, spec: 'restartPolicy: Never' })
    await eventually('its end', async () => (await cluster.kubectl('get', 'pod', 'greedy')).includes('OOMKilled'))
    expect(await cluster.kubectl('describe', 'pod', 'greedy')).toMatch(/Reason: +OOMKilled\n +Exit Code: +137/)
    await remove('greedy')
  })

  test('leave no control groups when their pods have gone', async () => {
    await create('limited', { container: `${sleeping}\nresources: {limits: {cpu: 100m, memory: 32Mi}}` })
    await ready('limited')
    const uid = await field('limited', '.metadata.uid')
    const groups = () =>
      ['/memory/', '/cpu/', '/'].some((hierarchy) =>
        ['node-1', 'node-2'].some((node) =>
          existsSync(`/sys/fs/cgroup${hierarchy}fairway/fw-fairway-${node}/pod${uid}`),
        ),
      )
    expect(groups()).toBe(true)
    await remove('limited')
    expect(groups()).toBe(false)
  })
})

describe('a resize', () => {
  const resize = (name: string, resources: string) =>
    cluster.tryKubectl([
      'patch',
      'pod',
      name,
      '--subresource=resize',
      '-p',
      `{"spec":{"containers":[{"name":"c","resources":${resources}}]}}`,
    ])
  const held = (name: string) => field(name, '.status.containerStatuses[0].resources.limits.memory')
  const resources = 'resources: {requests: {cpu: 100m, memory: 20Mi}, limits: {cpu: 500m, memory: 40Mi}}'
  const limit = () =>
    cluster.inPod(
      'sized',
      'sh',
      '-c',
      'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true',
    )

  test('changes what a running container may use', async () => {
    await create('sized', { container: `${sleeping}\n${resources}` })
    await ready('sized')
    expect((await resize('sized', '{"limits":{"memory":"60Mi"}}')).stdout).toBe('pod/sized patched\n')
    await eventually('the resize', async () => (await held('sized')) === '60Mi')
    expect(await limit()).toBe(`${60 * 1024 * 1024}\n`)
    expect(await field('sized', '.status.containerStatuses[0].restartCount')).toBe('0')
    await eventually('its Event', async () =>
      /ResizeCompleted .*"memory":"60Mi".*"generation":2/.test(await cluster.kubectl('describe', 'pod', 'sized')),
    )
    expect((await resize('sized', '{"limits":{"memory":"30Mi","cpu":"200m"}}')).code).toBe(0)
    await eventually('less', async () => (await held('sized')) === '30Mi')
    expect(await limit()).toBe(`${30 * 1024 * 1024}\n`)
  })

  test('waits when there is no room, and says so', async () => {
    expect((await resize('sized', '{"requests":{"cpu":"900"},"limits":{"cpu":"900"}}')).code).toBe(0)
    const condition = (what: string) => field('sized', `.status.conditions[?(@.type=="PodResizePending")].${what}`)
    await eventually('the condition', async () => (await condition('reason')) === 'Infeasible')
    expect(await condition('message')).toMatch(
      /^Node didn't have enough capacity: cpu, requested: 900000, capacity: \d+$/,
    )
    expect(await field('sized', '.status.containerStatuses[0].allocatedResources.cpu')).toBe('100m')
    expect((await resize('sized', '{"requests":{"cpu":"100m"},"limits":{"cpu":"200m"}}')).code).toBe(0)
    await eventually('no condition', async () => (await condition('reason')) === '')
  })

  test('is refused where Kubernetes refuses it', async () => {
    expect((await resize('sized', '{"limits":{"memory":null}}')).stderr).toContain('resource limits cannot be removed')
    const { stderr } = await resize('sized', '{"requests":{"cpu":"200m","memory":"30Mi"}}')
    expect(stderr).toContain('Pod QOS Class may not change as a result of resizing')
    await remove('sized')
  })

  test('restarts a container that wants it so', async () => {
    const policy = 'resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}]'
    await create('sized', { container: `${sleeping}\n${resources}\n${policy}`, spec: 'restartPolicy: Always' })
    await ready('sized')
    expect((await resize('sized', '{"limits":{"memory":"60Mi"}}')).code).toBe(0)
    await eventually(
      'the restart',
      async () => (await field('sized', '.status.containerStatuses[0].restartCount')) === '1',
    )
    await eventually('the resize', async () => (await held('sized')) === '60Mi')
    await ready('sized')
    expect(await limit()).toBe(`${60 * 1024 * 1024}\n`)
    await eventually('the Events', async () => {
      const described = await cluster.kubectl('describe', 'pod', 'sized')
      return described.includes('Container c resize requires restart') && described.includes('ResizeCompleted')
    })
    await remove('sized')
  })
})

describe('security', () => {
  test('a pod of the restricted profile runs, as it says', async () => {
    const spec = `
securityContext: {runAsNonRoot: true, runAsUser: 1000, fsGroup: 2000, seccompProfile: {type: RuntimeDefault}}
volumes: [{name: v, emptyDir: {}}]`
    const security =
      'securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}'
    const mounts = 'volumeMounts: [{name: v, mountPath: /data}]'
    await create('restricted', { container: `${sleeping}\n${security}\n${mounts}`, spec })
    await ready('restricted')
    const script =
      'id -u; id -g; id -G; touch /data/x && echo written; touch /tmp/x 2>/dev/null || echo not; grep Seccomp: /proc/self/status'
    expect(await cluster.inPod('restricted', 'sh', '-c', script)).toBe('1000\n0\n0 2000\nwritten\nnot\nSeccomp:\t2\n')
    expect(await field('restricted', '.status.containerStatuses[0].user.linux')).toBe(
      '{"gid":0,"supplementalGroups":[0,2000],"uid":1000}',
    )
    await remove('restricted')
  })

  test('root is refused to who must not be root', async () => {
    await create('root', { container: sleeping, spec: 'securityContext: {runAsNonRoot: true}' })
    const seen = () => cluster.kubectl('get', 'pod', 'root')
    await eventually('the refusal', async () => (await seen()).includes('CreateContainerConfigError'))
    const refusal = 'Error: container has runAsNonRoot and image will run as root (pod: "root_default('
    await eventually('the Event', async () => (await cluster.kubectl('describe', 'pod', 'root')).includes(refusal))
    await remove('root')
  })

  test('an unsafe sysctl is refused, a safe one set', async () => {
    const sysctl = (name: string, value: string) => `securityContext: {sysctls: [{name: ${name}, value: "${value}"}]}`
    await create('unsafe', { container: sleeping, spec: sysctl('kernel.msgmax', '10000') })
    await create('safe', { container: sleeping, spec: sysctl('net.ipv4.ip_local_port_range', '1024 2000') })
    await ready('safe')
    expect(await cluster.inPod('safe', 'cat', '/proc/sys/net/ipv4/ip_local_port_range')).toBe('1024\t2000\n')
    await eventually('the refusal', async () =>
      (await cluster.kubectl('get', 'pod', 'unsafe')).includes('SysctlForbidden'),
    )
    expect(await field('unsafe', '.status.message')).toBe(
      'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
    )
    await remove('unsafe', 'safe')
  })
})
