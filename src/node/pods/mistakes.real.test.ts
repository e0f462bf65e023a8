/** Pods that cannot run as they are: what their status and their Events say. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Container } from '../../api/generated/v1.ts'
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

const state = (pod: string) => node.pod(pod)?.status?.containerStatuses?.[0]?.state

const events = (pod: string) => node.events(pod).map(({ type, reason, message }) => `${type} ${reason}: ${message}`)

test('an image that cannot be had: the error first, then the back-off with it', async () => {
  node.createPod('pulling', { image: 'nowhere.example/none' })
  await node.api.until('the error', () => state('pulling')?.waiting?.reason === 'ErrImagePull')
  const error = state('pulling')?.waiting?.message ?? ''
  expect(error).toMatch(/^failed to resolve image "nowhere\.example\/none".*images\.json/)
  await node.api.until('the back-off', () => state('pulling')?.waiting?.reason === 'ImagePullBackOff')
  const backOff = 'Back-off pulling image "nowhere.example/none"'
  expect(state('pulling')?.waiting?.message).toBe(`${backOff}: ErrImagePull: ${error}`)
  const told = [
    `Warning Failed: Failed to pull image "nowhere.example/none": ${error}`,
    'Warning Failed: Error: ErrImagePull',
    `Normal BackOff: ${backOff}`,
    'Warning Failed: Error: ImagePullBackOff',
  ]
  await node.api.until('the Events', () => told.every((words) => events('pulling').includes(words)))
  await node.deletePod('pulling')
})

const images: [image: string, policy: string, reason: string, message: string][] = [
  [
    'example.org/nothing:1',
    'Never',
    'ErrImageNeverPull',
    'Container image "example.org/nothing:1" is not present with pull policy of Never',
  ],
  [
    'Busybox',
    'Always',
    'InvalidImageName',
    'Failed to apply default image tag "Busybox": couldn\'t parse image name "Busybox": invalid reference format: repository name (library/Busybox) must be lowercase',
  ],
]
test.each(images)('a pod with the image %s and policy %s says %s', async (image, imagePullPolicy, reason, message) => {
  node.createPod('image', { image, imagePullPolicy })
  const waiting = () => state('image')?.waiting
  await node.api.until('the failure', () => waiting()?.reason === reason)
  expect(waiting()?.message).toBe(message)
  await node.api.until('the event', () => events('image').includes(`Warning Failed: Error: ${reason}`))
  await node.deletePod('image')
})

test('a program that is not there is told in an Event', async () => {
  node.createPod('nothing', { command: ['no-such-program'] })
  const words = 'Warning Failed: Error: exec: "no-such-program": executable file not found in $PATH'
  await node.api.until('the Event', () => events('nothing').includes(words))
  expect(events('nothing').some((event) => event.includes('Started'))).toBe(false)
  await node.deletePod('nothing')
})

const misplaced: [what: string, container: Partial<Container>, message: string][] = [
  [
    'a directory to mount where the image has a file',
    { volumeMounts: [{ name: 'v', mountPath: '/etc/passwd', subPath: 'd' }] },
    'at "/etc/passwd": not a directory: Are you trying to mount a directory onto a file (or vice-versa)? ' +
      'Check if the specified host path exists and is the expected type',
  ],
  [
    'a working directory that is a file',
    { workingDir: '/etc/passwd' },
    'chdir to cwd ("/etc/passwd") set in config.json failed: not a directory',
  ],
]
test.each(misplaced)('%s is told', async (_, container, message) => {
  node.createPod('misplaced', { command: ['true'], ...container }, { volumes: [{ name: 'v', emptyDir: {} }] })
  await node.api.until('the Event', () => events('misplaced').some((event) => event.endsWith(message)))
  await node.deletePod('misplaced')
})

test('a probe of a port that the container does not name leaves it unready, and says so', async () => {
  const readinessProbe = { httpGet: { port: 'web' }, periodSeconds: 1 }
  node.createPod('portless', { command: ['sleep', '1000'], readinessProbe })
  const words = 'errored and resulted in unknown state: strconv.Atoi: parsing "web": invalid syntax'
  await node.api.until('the Event', () => events('portless').includes(`Warning Unhealthy: Readiness probe ${words}`))
  expect(node.pod('portless')?.status?.containerStatuses?.[0]?.ready).toBe(false)
  await node.deletePod('portless')
})

test('a sandbox that cannot be made leaves the pod waiting, with a status', async () => {
  node.createPod('userns', {}, { hostUsers: false })
  await node.api.until('the status', () => state('userns') !== undefined)
  expect(state('userns')).toEqual({ waiting: { reason: 'ContainerCreating' } })
  expect(node.pod('userns')?.status?.phase).toBe('Pending')
  const why = "can't set `spec.hostUsers: false`, runtime does not support user namespaces"
  const words = `Warning FailedCreatePodSandBox: Failed to create pod sandbox: ${why}`
  await node.api.until('the Event', () => events('userns').includes(words))
  await node.deletePod('userns')
})

test('a deadline that has passed is told once', async () => {
  const command = ['sleep', '1000']
  const containers = ['a', 'b'].map((name) => ({ name, image: 'busybox', command }))
  node.createPod('late', {}, { activeDeadlineSeconds: 1, containers, terminationGracePeriodSeconds: 1 })
  await node.api.until('its end', () => node.pod('late')?.status?.phase === 'Failed')
  const message = 'Pod was active on the node longer than the specified deadline'
  expect(node.pod('late')?.status).toMatchObject({ reason: 'DeadlineExceeded', message })
  const words = `Normal DeadlineExceeded: ${message}`
  await node.api.until('the Event', () => events('late').includes(words))
  expect(events('late').filter((event) => event === words)).toHaveLength(1)
  await node.deletePod('late')
})

test('a pod that must not run here fails before anything of it is made', async () => {
  const ports = [{ containerPort: 80, hostPort: 8080 }]
  node.createPod('first', { command: ['sleep', '1000'], ports })
  await node.untilRunning('first')
  node.createPod('second', { command: ['sleep', '1000'], ports })
  await node.api.until('the refusal', () => node.pod('second')?.status?.phase === 'Failed')
  expect(node.pod('second')?.status).toMatchObject({
    reason: 'NodePorts',
    message: "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  })
  await Promise.all([node.deletePod('first'), node.deletePod('second')])
  for (const name of ['one', 'two']) node.createPod(name, { command: ['sleep', '1000'], ports })
  const phases = () => ['one', 'two'].map((name) => node.pod(name)?.status?.phase ?? '').sort()
  await node.api.until('one of two at once', () => phases().join() === 'Failed,Running')
  await Promise.all([node.deletePod('one'), node.deletePod('two')])
  const sysctls = [{ name: 'kernel.msgmax', value: '1' }]
  node.createPod('sysctl', {}, { securityContext: { sysctls } })
  await node.api.until('the refusal', () => node.pod('sysctl')?.status?.reason === 'SysctlForbidden')
  await node.deletePod('sysctl')
})
