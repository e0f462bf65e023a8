/** How containers of a pod begin and end, in order, with their hooks and what they say of their end. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/v1.ts'
import { busybox, service, volumeMounts, volumes } from '../testing/logging-containers.ts'
import { type TestAgent, TestNode } from '../testing/node.ts'

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

const events = (pod: string) => node.events(pod).map(({ reason, message }) => `${reason}: ${message}`)

describe('sidecars', () => {
  const always = { restartPolicy: 'Always' }

  test('begin in order, each when the one before has started; end after the others, in reverse', async () => {
    const startupProbe = { exec: { command: ['test', '-e', '/v/go'] }, periodSeconds: 1, failureThreshold: 60 }
    const initContainers = [
      service('one', { ...always, startupProbe }),
      busybox('setup', 'echo setup >> /v/log'),
      service('two', always),
    ]
    const uid = node.createPod('side', service('main', { volumeMounts }), { volumes, initContainers })
    await node.api.until('the first', () => node.containerStatus('side', 'one')?.state?.running !== undefined)
    expect(node.containerStatus('side', 'one')).toMatchObject({ started: false, ready: false })
    expect(node.condition('side', 'Initialized')?.message).toBe('containers with incomplete status: [one setup two]')
    expect(node.pod('side')?.status?.phase).toBe('Pending')
    await agent.output(uid, 'touch /v/go', 'one')
    await node.untilRunning('side')
    await expect.poll(() => agent.output(uid, 'cat /v/log')).toBe('+one\nsetup\n+two\n+main\n')
    expect(node.containerStatus('side', 'one')).toMatchObject({ started: true, ready: true })
    const log = `${node.stateDir}/${uid}/volumes/empty/v/log`
    const before = node.api.until('the end', () => node.containerStatus('side', 'one')?.state?.terminated !== undefined)
    const deleted = node.deletePod('side', 10)
    let text = ''
    const seen = setInterval(() => {
      try {
        text = readFileSync(log, 'utf8')
      } catch {
        // The pod is off the machine.
      }
    }, 1)
    await Promise.all([before, deleted]).finally(() => clearInterval(seen))
    expect(text.split('\n').slice(4, 6)).toEqual(['-main', '-two'])
  })

  test('are restarted when their liveness probe fails, while the others go on', async () => {
    const livenessProbe = { exec: { command: ['test', '!', '-e', '/v/sick'] }, periodSeconds: 1, failureThreshold: 1 }
    const side = service('side', { ...always, livenessProbe })
    const uid = node.createPod('sick', service('main'), { volumes, initContainers: [side] })
    await node.untilRunning('sick')
    await agent.output(uid, 'touch /v/sick')
    await node.api.until('its restart', () => node.containerStatus('sick', 'side')?.restartCount === 1)
    expect(node.containerStatus('sick')?.restartCount).toBe(0)
    expect(await agent.output(uid, 'grep side /v/log; rm /v/sick')).toMatch(/^\+side\n-side\n/)
    await node.deletePod('sick')
  })

  test('are restarted, and do not keep a pod from its end', async () => {
    const initContainers = [service('side', always)]
    const uid = node.createPod(
      'batch',
      { command: ['sh', '-c', 'until [ -e /v/go ]; do sleep 0.02; done'], volumeMounts },
      { volumes, initContainers, restartPolicy: 'Never' },
    )
    await node.untilRunning('batch')
    agent.runtime.signal(uid, 'side', 'SIGKILL')
    await node.api.until('its restart', () => node.containerStatus('batch', 'side')?.restartCount === 1)
    await node.untilRunning('batch')
    await expect.poll(() => agent.output(uid, 'cat /v/log')).toBe('+side\n+side\n')
    await agent.output(uid, 'touch /v/go')
    await node.api.until('success', () => node.pod('batch')?.status?.phase === 'Succeeded')
    expect(node.containerStatus('batch', 'side')?.state?.terminated?.exitCode).toBe(0)
    await node.deletePod('batch')
  })
})

describe('postStart', () => {
  test('holds back what comes after it', async () => {
    const lifecycle = { postStart: { exec: { command: ['sh', '-c', 'until [ -e /v/go ]; do sleep 0.02; done'] } } }
    const containers = [service('main', { lifecycle }), service('second')]
    const uid = node.createPod('post', {}, { volumes, containers })
    await node.api.until('the event', () => events('post').includes('Started: Container started'))
    await node.api.until('a status', () => node.containerStatus('post') !== undefined)
    expect(node.containerStatus('post')?.state).toEqual({ waiting: { reason: 'ContainerCreating' } })
    expect(node.containerStatus('post', 'second')?.state).toEqual({ waiting: { reason: 'ContainerCreating' } })
    await agent.output(uid, 'touch /v/go')
    await node.untilRunning('post')
    await node.deletePod('post')
  })

  test('ends the container when it fails', async () => {
    const lifecycle = { postStart: { exec: { command: ['sh', '-c', 'echo secret; exit 3'] } } }
    node.createPod('failing', service('main', { lifecycle }), { volumes })
    await node.api.until('the event', () => events('failing').includes('FailedPostStartHook: PostStartHook failed'))
    await node.api.until('its restart', () => (node.containerStatus('failing')?.restartCount ?? 0) > 0)
    expect(events('failing')).toContain('Killing: FailedPostStartHook')
    await node.deletePod('failing')
  })
})

describe('preStop', () => {
  test('comes before the signal; its failure is told', async () => {
    const lifecycle = { preStop: { exec: { command: ['sh', '-c', 'echo hook >> /v/log; exit 1'] } } }
    const uid = node.createPod('stop', service('main', { lifecycle }), {
      volumes,
      initContainers: [service('watch', { restartPolicy: 'Always' })],
    })
    await node.untilRunning('stop')
    const gone = node.deletePod('stop', 5)
    await node.api.until('its end', () => node.containerStatus('stop')?.state?.terminated !== undefined)
    await gone
    expect(events('stop')).toContain('FailedPreStopHook: PreStopHook failed')
    expect(uid).not.toBe('')
  })

  test('may be a sleep; a stopSignal of its own follows', async () => {
    const lifecycle = { preStop: { sleep: { seconds: 1 } }, stopSignal: 'SIGUSR1' }
    const command = ['sh', '-c', 'trap "exit 7" USR1; while :; do sleep 0.02; done']
    node.createPod('usr', { command, lifecycle })
    await node.untilRunning('usr')
    const started = Date.now()
    const gone = node.deletePod('usr', 10)
    await node.api.until('its end', () => node.containerStatus('usr')?.state?.terminated !== undefined)
    expect(Date.now() - started).toBeGreaterThanOrEqual(1000)
    expect(node.containerStatus('usr')?.state?.terminated?.exitCode).toBe(7)
    await gone
  })
})

describe('preStop that takes longer than the grace period', () => {
  const exitsAfter = (seconds: string) => `trap "sleep ${seconds}; exit 7" TERM; while :; do sleep 0.02; done`
  const cases: [what: string, seconds: string, code: number][] = [
    ['leaves two seconds for the signal', '0.5', 7],
    ['and no more', '9', 137],
  ]
  test.each(cases)('%s', async (_, seconds, code) => {
    const name = `over-${code}`
    const lifecycle = { preStop: { exec: { command: ['sleep', '20'] } } }
    node.createPod(name, { command: ['sh', '-c', exitsAfter(seconds)], lifecycle })
    await node.untilRunning(name)
    const started = Date.now()
    const gone = node.deletePod(name, 1)
    await node.api.until('its end', () => node.containerStatus(name)?.state?.terminated !== undefined)
    expect(node.containerStatus(name)?.state?.terminated?.exitCode).toBe(code)
    expect(Date.now() - started).toBeGreaterThanOrEqual(code === 7 ? 1500 : 3000)
    await gone
  })
})

describe('a container says why it ended', () => {
  const cases: [what: string, script: string, policy: string, message: string | undefined][] = [
    ['in its file', 'echo -n because > /dev/termination-log; exit 1', 'File', 'because'],
    ['not by its log', 'echo because; exit 1', 'File', undefined],
    ['by its log, if it may', 'echo one; echo two; exit 1', 'FallbackToLogsOnError', 'one\ntwo\n'],
    ['not by its log when all went well', 'echo one', 'FallbackToLogsOnError', undefined],
  ]
  test.each(cases)('%s', async (_, script, terminationMessagePolicy, message) => {
    node.createPod('said', { command: ['sh', '-c', script], terminationMessagePolicy }, { restartPolicy: 'Never' })
    await node.api.until('its end', () => node.containerStatus('said')?.state?.terminated !== undefined)
    expect(node.containerStatus('said')?.state?.terminated?.message).toBe(message)
    await node.deletePod('said')
  })
})

test('readiness gates hold a pod back; what others set meanwhile is kept', async () => {
  const gates = ['example.org/a', 'example.org/b'].map((conditionType) => ({ conditionType }))
  node.createPod('gated', service('main'), { volumes, readinessGates: gates })
  await node.api.until('its containers', () => node.condition('gated', 'ContainersReady')?.status === 'True')
  expect(node.condition('gated', 'Ready')).toMatchObject({
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message:
      'corresponding condition of pod readiness gate "example.org/a" does not exist., ' +
      'corresponding condition of pod readiness gate "example.org/b" does not exist.',
  })
  for (const { conditionType } of gates) {
    const pod = node.pod('gated')
    const conditions = [...(pod?.status?.conditions ?? []), { type: conditionType, status: 'True' }]
    if (pod) node.api.put('/api/v1/namespaces/default/pods', { ...pod, status: { ...pod.status, conditions } } as Pod)
  }
  await node.untilRunning('gated')
  await node.deletePod('gated')
})

test('a pod deleted by force is asked to end all the same', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairway-force-'))
  const hostPath = [{ name: 'v', hostPath: { path: directory } }]
  const uid = node.createPod('forced', service('main'), { volumes: hostPath })
  await node.untilRunning('forced')
  await expect.poll(() => readFileSync(join(directory, 'log'), 'utf8')).toBe('+main\n')
  node.api.remove('/api/v1/namespaces/default/pods/forced')
  await expect.poll(() => existsSync(join(node.stateDir, uid))).toBe(false)
  expect(readFileSync(join(directory, 'log'), 'utf8')).toBe('+main\n-main\n')
  rmSync(directory, { recursive: true })
})

test('a probe whose program is not there says so, and ends nothing', async () => {
  const livenessProbe = { exec: { command: ['no-such-program'] }, periodSeconds: 1, failureThreshold: 1 }
  node.createPod('probeless', service('main', { livenessProbe }), { volumes })
  const words =
    'Unhealthy: Liveness probe errored and resulted in unknown state: exec: "no-such-program": executable file not found in $PATH'
  await node.api.until('the event', () => events('probeless').includes(words))
  await node.untilRunning('probeless')
  expect(node.containerStatus('probeless')?.restartCount).toBe(0)
  await node.deletePod('probeless')
})

test('containers that begin at the same time do not end each other', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (let round = 0; round < 5; round++) {
    node.createPod('many', {}, { volumes, containers: names.map((name) => busybox(name, 'sleep 1000')) })
    await node.untilRunning('many')
    const restarts = names.map((name) => node.containerStatus('many', name)?.restartCount)
    expect(restarts, `round ${round}`).toEqual(names.map(() => 0))
    await node.deletePod('many')
  }
})
