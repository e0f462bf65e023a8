/** A killed part comes back, the cluster works again, and no acknowledged object is lost. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { eventually, example, fairway, startCluster, type TestCluster } from '../harness.ts'

const base = process.env['FAIRWAY_STATE_DIR'] ?? '/var/lib/fairway'
let cluster: TestCluster
let marks = 0

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.kubectl('apply', '-f', example('web.yaml'), '-f', example('client.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
})
afterAll(() => cluster?.down())
beforeEach(async () => {
  // The last thing acknowledged before the blow.
  await cluster.kubectl('create', 'configmap', `mark-${++marks}`, `--from-literal=n=${marks}`)
})

const pidOf = (part: string) => Number(readFileSync(`${base}/fairway/run/${part}.pid`, 'utf8'))
const restarts = async () =>
  cluster.kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].status.containerStatuses[0].restartCount}')

/** Every object is there, a new Service works by name, and the pods of before are the same. */
async function worksAgain() {
  await eventually('the API and all that was acknowledged', async () => {
    const maps = await cluster.kubectl('get', 'configmaps', '-o', 'name')
    return maps.split('\n').filter((line) => line.startsWith('configmap/mark-')).length === marks
  })
  await cluster.kubectl('expose', 'deployment', 'web', '--name', `again-${marks}`, '--port=80')
  await eventually('a change to have its effect', async () => {
    const answer = await cluster.inPod('client', 'curl', '-fsS', '--max-time', '5', `http://again-${marks}`)
    return answer.includes('iKubernetes demoapp')
  })
  expect(await restarts()).toBe('0 0 0')
}

describe('after kill -9 of', () => {
  test.each(['control-plane', 'node-1'])('%s: the supervisor starts it again', async (part) => {
    const pid = pidOf(part)
    process.kill(pid, 'SIGKILL')
    await eventually('another process', async () => pidOf(part) !== pid)
    await worksAgain()
  })

  test('the supervisor: `fairway up` adopts the cluster', async () => {
    process.kill(pidOf('supervisor'), 'SIGKILL')
    await eventually('status to say so', async () => (await fairway('status')).stdout.match(/^supervisor +gone/m))
    const result = await fairway('up', '--wait')
    expect(result.stderr).toBe('')
    expect(result.stdout).toContain('its supervisor is not: adopting it with all its objects')
    await worksAgain()
  })

  test.each([
    ['kube-proxy', 'src/proxy/main.ts'],
    ['coredns', 'src/dns/main.ts'],
  ])('%s: its pod is restarted', async (_, script) => {
    const pid = (await cluster.onNode('pgrep', '-f', script)).trim().split('\n').map(Number)
    for (const one of pid) process.kill(one, 'SIGKILL')
    await worksAgain()
  })

  test('everything: `fairway up` adopts what is on disk', async () => {
    for (const part of ['supervisor', 'control-plane', 'node-1']) process.kill(pidOf(part), 'SIGKILL')
    await eventually('status to say so', async () => (await fairway('status')).stdout.match(/^control-plane +gone/m))
    const result = await fairway('up', '--wait')
    expect(result.stderr).toBe('')
    await worksAgain()
  })
})

test('a deleted system pod is recreated', async () => {
  for (const app of ['kube-proxy', 'kube-dns']) {
    const name = async () =>
      cluster.kubectl(
        'get',
        'pods',
        '-n',
        'kube-system',
        '-l',
        `k8s-app=${app}`,
        '-o',
        'jsonpath={.items[*].metadata.name}',
      )
    const before = await name()
    await cluster.kubectl('delete', 'pod', '-n', 'kube-system', '-l', `k8s-app=${app}`)
    await eventually(`another pod of ${app}`, async () => (await name()) !== before && (await name()) !== '')
  }
  await worksAgain()
})

const survivors = ['keeper', 'once']
  .map(
    (name) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: ${name === 'once' ? 'Never' : 'Always'}
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sh, -c, 'echo start >>/files/starts; exec sleep 1000']
    volumeMounts: [{name: files, mountPath: /files}]
  volumes: [{name: files, emptyDir: {}}]
`,
  )
  .join('---')

/** What is in memory: processes, namespaces, mounts, links. */
async function losePower() {
  for (const part of ['supervisor', 'control-plane', 'node-1']) process.kill(pidOf(part), 'SIGKILL')
  const lose = `
    for netns in $(ip -o netns list | cut -d' ' -f1); do
      ip netns pids $netns | xargs -r kill -9
    done
    grep -o '${base}/[^ ]*' /proc/self/mountinfo | sort -r | xargs -r umount -l
    ip -all netns del
    ip link del fw-fairway`
  await run('sh', ['-c', lose])
}

test('the machine: containers are restarted over the files their pods had, and what must not run again has failed', async () => {
  await cluster.apply(survivors)
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/keeper', 'pod/once', '--timeout=30s')
  await losePower()
  expect((await fairway('up', '--wait')).stderr).toBe('')
  const status = (pod: string, path: string) => cluster.kubectl('get', 'pod', pod, '-o', `jsonpath={.status.${path}}`)
  await eventually('a restart', async () => (await status('keeper', 'containerStatuses[0].restartCount')) === '1')
  await eventually('a failure', async () => (await status('once', 'phase')) === 'Failed')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/keeper', '--timeout=30s')
  expect(await cluster.inPod('keeper', 'cat', '/files/starts')).toBe('start\nstart\n')
})
