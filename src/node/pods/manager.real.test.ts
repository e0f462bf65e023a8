import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Event } from '../../api/generated/v1.ts'
import { run, runOk } from '../../lib/exec.ts'
import { netnsDirectory } from '../runtime/paths.ts'
import { nodeIP, podsPath, type TestAgent, TestNode } from '../testing/node.ts'
import { execIn } from './start.ts'

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

function shell(uid: string, script: string) {
  return execIn(agent.runtime, { uid, container: 'main', command: ['sh', '-c', script], timeoutMs: 5000 })
}

function events(reason: string): Event[] {
  return node.api.list<Event>('/api/v1/events').filter((event) => event.reason === reason)
}

function condition(name: string, wanted: string): string | undefined {
  return node.pod(name)?.status?.conditions?.find(({ type }) => type === wanted)?.status
}

/** The node's own memory file system stays. */
function isOfPod(mount: string): boolean {
  return mount.includes('fw-test') || (mount.includes(`${node.stateDir}/`) && !mount.includes('/.memory '))
}

async function leftovers(): Promise<string> {
  const links = await runOk('ip', ['-o', 'link'])
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  return [
    ...readdirSync(netnsDirectory),
    ...links.split('\n').filter((line) => line.includes('veth')),
    ...mounts.split('\n').filter((line) => isOfPod(line)),
    ...readdirSync(node.stateDir).filter((name) => !name.startsWith('.')),
  ].join('\n')
}

describe('a pod', () => {
  test('runs demoapp, which the node reaches, and leaves nothing when deleted', async () => {
    const demoapp = { image: 'ikubernetes/demoapp:v1.0', readinessProbe: { httpGet: { path: '/readyz', port: 80 } } }
    const uid = node.createPod('web', demoapp)
    const { status } = await node.untilRunning('web')
    const { stdout } = await run('curl', ['-s', '-m', '5', `http://${status?.podIP}/`])
    expect(stdout).toBe(
      `iKubernetes demoapp v1.0 !! ClientIP: ${nodeIP}, ServerName: web, ServerIP: ${status?.podIP}!\n`,
    )
    expect(status).toMatchObject({ phase: 'Running', hostIP: nodeIP, qosClass: 'BestEffort' })
    expect(status?.containerStatuses?.[0]).toMatchObject({ ready: true, started: true, restartCount: 0 })
    await node.deletePod('web')
    await node.api.until('the pod to be off the machine', () => !existsSync(join(node.stateDir, uid)))
    expect(await leftovers()).toBe('')
  })

  test('has a world of its own', async () => {
    writeFileSync(join(node.stateDir, '.secret'), 'secret')
    const uid = node.createPod('own', {
      command: ['sleep', '1000'],
      env: [{ name: 'GREETING', value: 'hi $(HOSTNAME)' }],
    })
    await node.untilRunning('own')
    const look = `ls -A /home /root ${node.stateDir}; hostname; touch /etc/made-here; id -u; echo "$GREETING"; cat /etc/resolv.conf; exit 7`
    const { code, output } = await shell(uid, look)
    expect(code).toBe(7)
    expect(output).toContain('own\n0\n')
    expect(output).not.toContain('secret')
    expect(output).toContain(
      'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n',
    )
    expect(existsSync('/etc/made-here')).toBe(false)
    expect((await shell(uid, 'mount -t tmpfs none /mnt')).code).not.toBe(0)
    await node.deletePod('own')
  })

  test('records output and exit code, and restarts at once the first time', async () => {
    const uid = node.createPod('crash', { command: ['sh', '-c', 'echo out; echo err >&2; exit 3'] })
    await node.api.until(
      'a back-off',
      () => node.pod('crash')?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
    )
    const status = node.pod('crash')?.status?.containerStatuses?.[0]
    expect(status).toMatchObject({
      restartCount: 1,
      ready: false,
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    })
    const log = agent.runtime.logFiles(uid, 'main', 'current')?.at(-1) ?? ''
    expect(readFileSync(log, 'utf8')).toMatch(/^\S+Z stdout F out\n\S+Z stderr F err\n$/)
    await node.api.until('the events', () => events('BackOff').length > 0)
    await node.deletePod('crash')
  })

  test('may run as another user, who can write where everybody can', async () => {
    const command = ['sh', '-c', 'id -u; echo said > /dev/stdout; touch /tmp/mine && grep CapEff /proc/self/status']
    const uid = node.createPod('user', { command, securityContext: { runAsUser: 1000 } }, { restartPolicy: 'Never' })
    await node.api.until('success', () => node.pod('user')?.status?.phase === 'Succeeded')
    const log = readFileSync(agent.runtime.logFiles(uid, 'main', 'current')?.at(-1) ?? '', 'utf8')
    expect(log.replace(/^\S+ stdout F /gm, '')).toBe('1000\nsaid\nCapEff:\t0000000000000000\n')
    await node.deletePod('user')
  })

  test('ends as Succeeded when it may', async () => {
    node.createPod('job', { command: ['true'] }, { restartPolicy: 'Never' })
    await node.api.until('success', () => node.pod('job')?.status?.phase === 'Succeeded')
    expect(node.pod('job')?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 0,
      reason: 'Completed',
    })
    await node.deletePod('job')
  })

  test('that has ended holds nothing but its logs', async () => {
    const uid = node.createPod('over', { command: ['sh', '-c', 'echo done; exit 2'] }, { restartPolicy: 'Never' })
    await node.api.until('failure', () => node.pod('over')?.status?.phase === 'Failed')
    const ip = node.pod('over')?.status?.podIP
    await node.api.until('its sandbox to be gone', () => condition('over', 'PodReadyToStartContainers') === 'False')
    expect(node.pod('over')?.status).toMatchObject({ phase: 'Failed', podIP: ip })
    expect(await leftovers()).toBe(uid)
    expect(readFileSync(agent.runtime.logFiles(uid, 'main', 'current')?.at(-1) ?? '', 'utf8')).toMatch(/ F done\n$/)
    agent.stop()
    agent = await node.startAgent()
    await node.deletePod('over')
    await expect.poll(leftovers).toBe('')
  })

  test('is not ready while it is down, and keeps its emptyDir', async () => {
    const readinessProbe = { exec: { command: ['test', '-e', '/data/ready'] }, periodSeconds: 1, failureThreshold: 1 }
    const volumeMounts = [{ name: 'data', mountPath: '/data' }]
    const init = { name: 'first', image: 'busybox', command: ['sh', '-c', 'echo 1 > /data/ready'], volumeMounts }
    const uid = node.createPod(
      'flaky',
      { command: ['sleep', '1000'], volumeMounts, readinessProbe },
      { volumes: [{ name: 'data', emptyDir: {} }], initContainers: [init] },
    )
    await node.untilRunning('flaky')
    expect(node.pod('flaky')?.status?.initContainerStatuses?.[0]).toMatchObject({
      ready: true,
      restartCount: 0,
      state: { terminated: { exitCode: 0, reason: 'Completed' } },
    })
    await shell(uid, 'rm /data/ready')
    await node.api.until('not ready', () => condition('flaky', 'Ready') === 'False')
    await shell(uid, 'echo 2 > /data/ready')
    await node.untilRunning('flaky')
    const seen: string[] = []
    agent.runtime.signal(uid, 'main', 'SIGKILL')
    await node.api.until('ready again after a restart', () => {
      seen.push(condition('flaky', 'Ready') ?? '')
      return node.pod('flaky')?.status?.containerStatuses?.[0]?.restartCount === 1 && seen.at(-1) === 'True'
    })
    expect(seen).toContain('False')
    expect((await shell(uid, 'cat /data/ready')).output).toBe('2\n')
    await node.deletePod('flaky')
  })

  test('gets files from ConfigMaps, and waits for one that is missing', async () => {
    const volumes = [{ name: 'config', configMap: { name: 'settings' } }]
    const container = { command: ['sleep', '1000'], volumeMounts: [{ name: 'config', mountPath: '/etc/settings' }] }
    const uid = node.createPod('mounted', container, { volumes })
    await node.api.until('the event', () => events('FailedMount').length > 0)
    node.api.put('/api/v1/namespaces/default/configmaps', {
      metadata: { name: 'settings' },
      data: { key: 'value' },
    } as never)
    await node.untilRunning('mounted')
    expect((await shell(uid, 'cat /etc/settings/key')).output).toBe('value')
    await node.deletePod('mounted')
  })

  test('has its grace period, then is killed', async () => {
    const script = 'trap "" TERM; touch /tmp/deaf; while true; do sleep 0.1; done'
    const readinessProbe = { exec: { command: ['test', '-e', '/tmp/deaf'] } }
    node.createPod('stubborn', { command: ['sh', '-c', script], readinessProbe })
    await node.untilRunning('stubborn')
    const started = Date.now()
    await node.deletePod('stubborn', 1)
    expect(Date.now() - started).toBeGreaterThanOrEqual(1000)
    expect(events('Killing').some(({ message }) => message === 'Stopping container main')).toBe(true)
  })

  test('is restarted when its liveness probe fails', async () => {
    const livenessProbe = { exec: { command: ['test', '-e', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 1 }
    const uid = node.createPod(
      'sick',
      { command: ['sh', '-c', 'touch /tmp/alive; exec sleep 1000'], livenessProbe },
      { terminationGracePeriodSeconds: 0 },
    )
    await node.untilRunning('sick')
    await shell(uid, 'until rm /tmp/alive; do sleep 0.01; done')
    await node.api.until('a restart', () => node.pod('sick')?.status?.containerStatuses?.[0]?.restartCount === 1)
    await node.deletePod('sick')
  })

  test('outlives its agent, which the next one takes over', async () => {
    const uid = node.createPod('lasting', { command: ['sh', '-c', 'while true; do sleep 0.1; done'] })
    await node.untilRunning('lasting')
    const before = agent.runtime.observe(uid).containers.get('main')?.current
    agent.stop()
    agent = await node.startAgent()
    node.createPod('next', { command: ['sleep', '1000'] })
    await node.untilRunning('next')
    expect(agent.runtime.observe(uid).containers.get('main')?.current).toEqual(before)
    expect(node.pod('next')?.status?.podIP).not.toBe(node.pod('lasting')?.status?.podIP)
    await node.deletePod('next')
    // Ends while no agent looks: its exit is found by the next.
    agent.stop()
    agent.runtime.signal(uid, 'main', 'SIGKILL')
    agent = await node.startAgent()
    await node.api.until('the restart', () => node.pod('lasting')?.status?.containerStatuses?.[0]?.restartCount === 1)
    expect(node.pod('lasting')?.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137)
    await node.deletePod('lasting')
  })

  test('ends with its shim, and is restarted', async () => {
    const uid = node.createPod('orphan', { command: ['sleep', '1000'] })
    await node.untilRunning('orphan')
    const pid = agent.runtime.observe(uid).containers.get('main')?.current.pid
    const shim = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    process.kill(Number(shim), 'SIGKILL')
    await node.api.until('the restart', () => node.pod('orphan')?.status?.containerStatuses?.[0]?.restartCount === 1)
    expect(node.pod('orphan')?.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137)
    await node.deletePod('orphan')
  })

  test('goes from the machine when the API no longer knows it', async () => {
    node.createPod('forced', { command: ['sleep', '1000'] })
    await node.untilRunning('forced')
    node.api.remove(`${podsPath}/forced`)
    await expect.poll(leftovers).toBe('')
  })
})
