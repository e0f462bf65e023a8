import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, words } from '../harness.ts'
import { startThreeNodes, type ThreeNodes } from './three-nodes.ts'

let cluster: ThreeNodes
const names = ['stateful-nginx-0', 'stateful-nginx-1', 'stateful-nginx-2']
const fullName = (pod: string) => `${pod}.svc-nginx.dev.svc.cluster.local`

const kubectl = (...args: string[]) => cluster.kubectl('-n', 'dev', ...args)
const rolledOut = () => kubectl('rollout', 'status', 'statefulset/stateful-nginx', '--timeout=30s')
const ipOf = (pod: string) => kubectl('get', 'pod', pod, '-o', 'jsonpath={.status.podIP}')
const images = () =>
  kubectl('get', 'pods', '-l', 'app=stateful-nginx', '-o', 'jsonpath={.items[*].spec.containers[0].image}')

async function lookup(name: string): Promise<string> {
  return (await cluster.tryKubectl(['-n', 'dev', 'exec', 'client', '--', 'nslookup', name])).stdout
}

async function resolves(pod: string, ip: string): Promise<void> {
  const name = fullName(pod)
  await eventually(`${name} at ${ip}`, async () => (await lookup(name)).includes(`Name:\t${name}\nAddress: ${ip}\n`))
}

beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.kubectl('create', 'namespace', 'dev')
  await kubectl('apply', '-f', example('client.yaml'), '-f', example('statefulset.yaml'))
  await kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
})
afterAll(() => cluster?.down())

test('W10 the pods are created in order, each after the former one is ready', async () => {
  await rolledOut()
  const pods = await kubectl('get', 'pods', '-l', 'app=stateful-nginx', '-o', 'jsonpath={.items[*].metadata.name}')
  expect(words(pods)).toEqual(names)
  const expected = names.map((name) => `create Pod ${name} in StatefulSet stateful-nginx successful\n`)
  await eventually('their Events, in this order', async () => {
    const messages = await kubectl(
      'get',
      'events',
      '--field-selector=involvedObject.kind=StatefulSet,reason=SuccessfulCreate',
      '--sort-by=.metadata.resourceVersion',
      '-o',
      'jsonpath={range .items[*]}{.message}{"\\n"}{end}',
    )
    return messages === expected.join('')
  })
})

test('W10 each pod has a name, and the name follows it to its new address', async () => {
  for (const name of names) await resolves(name, await ipOf(name))
  const before = await ipOf('stateful-nginx-1')
  await kubectl('delete', 'pod', 'stateful-nginx-1')
  // The set's status tells of the pod that went until the controller has looked again: no end of a rollout to wait for.
  const after = await eventually('another address', async () => {
    const ip = await ipOf('stateful-nginx-1')
    return ip !== '' && ip !== before ? ip : undefined
  })
  await kubectl('wait', '--for=condition=Ready', 'pod/stateful-nginx-1', '--timeout=30s')
  await resolves('stateful-nginx-1', after)
})

test('W10 an update goes from the last pod to the first, and can be undone', async () => {
  const before = await images()
  await kubectl('set', 'image', 'statefulset/stateful-nginx', 'demoapp=ikubernetes/demoapp:v1.1')
  await rolledOut()
  expect(new Set(words(await images()))).toEqual(new Set(['ikubernetes/demoapp:v1.1']))
  await kubectl('rollout', 'undo', 'statefulset/stateful-nginx')
  await rolledOut()
  expect(await images()).toBe(before)
  const history = await kubectl('rollout', 'history', 'statefulset/stateful-nginx')
  expect(history.match(/^\d+/gm)).toEqual(['2', '3'])
})

test('W10 without the headless Service there is no such name', async () => {
  await kubectl('delete', 'service', 'svc-nginx')
  const name = fullName('stateful-nginx-1')
  await eventually(`NXDOMAIN for ${name}`, async () =>
    (await lookup(name)).includes(`server can't find ${name}: NXDOMAIN`),
  )
})

test('W10 a set that is deleted without its pods finds them again', async () => {
  const uids = () => kubectl('get', 'pods', '-l', 'app=stateful-nginx', '-o', 'jsonpath={.items[*].metadata.uid}')
  const before = await uids()
  await kubectl('delete', 'statefulset', 'stateful-nginx', '--cascade=orphan')
  expect(await uids()).toBe(before)
  await kubectl('apply', '-f', example('statefulset.yaml'))
  await rolledOut()
  expect(await uids()).toBe(before)
})
