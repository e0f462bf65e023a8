/** What runs again, and in which order: a container by its rules, a pod whose sandbox is lost, all containers of a pod. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runOk } from '../../lib/exec.ts'
import { busybox, service, volumes } from '../testing/logging-containers.ts'
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

describe('its own restart policy', () => {
  test('goes before the pod, its rules before both', async () => {
    const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }]
    const containers = [
      busybox('never', 'exit 1', { restartPolicy: 'Never' }),
      busybox('rule', 'exit 42', { restartPolicy: 'Never', restartPolicyRules: rules }),
    ]
    node.createPod('rules', {}, { volumes, containers })
    await node.api.until('a restart', () => node.containerStatus('rules', 'rule')?.restartCount === 1)
    await node.api.until('the other', () => node.containerStatus('rules', 'never')?.state?.terminated?.exitCode === 1)
    expect(node.containerStatus('rules', 'never')?.restartCount).toBe(0)
    await node.deletePod('rules')
  })
})

test('a pod whose sandbox is lost begins anew, with its init containers and the same volumes', async () => {
  const setup = busybox('setup', 'echo x >> /v/times')
  const uid = node.createPod('anew', service('main'), { volumes, initContainers: [setup] })
  await node.untilRunning('anew')
  agent.stop()
  await runOk('umount', ['-l', `${node.stateDir}/${uid}/ns/uts`])
  agent = await node.startAgent()
  await node.api.until('both anew', () => node.containerStatus('anew')?.restartCount === 1)
  await node.untilRunning('anew')
  expect(node.containerStatus('anew', 'setup')).toMatchObject({ restartCount: 1, ready: true })
  expect(await agent.output(uid, 'cat /v/times')).toBe('x\nx\n')
  expect(events('anew')).toContain('Killing: Pod sandbox changed, it will be killed and re-created.')
  await node.deletePod('anew')
})

describe('an end that restarts all containers', () => {
  const restartPolicyRules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [88] } }]
  const never = { restartPolicy: 'Never' }

  test('has all of them begin anew in the same sandbox, whatever their policy', async () => {
    const initContainers = [
      busybox('setup', 'echo setup >> /v/log'),
      service('side', { restartPolicy: 'Always', lifecycle: { preStop: { sleep: { seconds: 5 } } } }),
    ]
    const watcher = 'until [ -e /v/go ]; do sleep 0.02; done; rm /v/go; exit 88'
    const containers = [
      service('main'),
      busybox('done', 'echo done >> /v/log'),
      busybox('watcher', watcher, { ...never, restartPolicyRules }),
    ]
    const allBegun = () => {
      const running = ['main', 'watcher'].every((name) => node.containerStatus('all', name)?.state?.running)
      return running && node.containerStatus('all', 'done')?.state?.terminated !== undefined
    }
    const uid = node.createPod('all', {}, { ...never, volumes, initContainers, containers })
    await node.api.until('all of them', allBegun)
    expect(node.condition('all', 'AllContainersRestarting')?.status).toBe('False')
    const { podIP } = node.pod('all')?.status ?? {}
    const seen = new Set<string>()
    const restarted = node.api.until('all anew', () => {
      const { phase, conditions = [] } = node.pod('all')?.status ?? {}
      const restarting = conditions.find(({ type }) => type === 'AllContainersRestarting')
      seen.add(`${phase} ${restarting?.status}`)
      const names = ['setup', 'side', 'main', 'done', 'watcher']
      return names.every((name) => node.containerStatus('all', name)?.restartCount === 1)
    })
    await agent.output(uid, 'touch /v/go')
    await restarted
    expect([...seen]).toContain('Running True')
    expect([...seen].join()).not.toMatch(/Failed|Succeeded/)
    await node.api.until('all of them', allBegun)
    const killed = { reason: 'RestartingAllContainers', exitCode: 137 }
    expect(node.containerStatus('all', 'main')?.lastState?.terminated).toMatchObject(killed)
    expect(node.containerStatus('all', 'watcher')?.lastState?.terminated).toMatchObject({
      reason: 'Error',
      exitCode: 88,
    })
    expect(node.condition('all', 'AllContainersRestarting')?.status).toBe('False')
    expect(node.pod('all')?.status?.podIP).toBe(podIP)
    const readLog = async () => (await agent.output(uid, 'cat /v/log')).trimEnd().split('\n')
    await expect.poll(readLog).toHaveLength(8)
    const log = await readLog()
    // Nobody was asked to end, and each beginning was in order.
    for (const beginning of [log.slice(0, 4), log.slice(4)]) {
      expect(beginning.slice(0, 2)).toEqual(['setup', '+side'])
      expect(beginning.slice(2).sort()).toEqual(['+main', 'done'])
    }
    await node.deletePod('all')
  })

  test('may be that of an init container; what is to begin anew may fail the pod then', async () => {
    const script = 'if [ -e /v/again ]; then exit 1; fi; touch /v/again; exit 88'
    const initContainers = [busybox('setup', script, { ...never, restartPolicyRules })]
    node.createPod('init', service('main'), { ...never, volumes, initContainers })
    await node.api.until('its failure', () => node.pod('init')?.status?.phase === 'Failed')
    expect(node.containerStatus('init', 'setup')).toMatchObject({
      restartCount: 1,
      state: { terminated: { exitCode: 1 } },
    })
    await node.deletePod('init')
  })
})
