import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, startCluster, type TestCluster, words } from '../harness.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startCluster()
  await cluster.kubectl('apply', '-f', example('nginx-demo.yaml'), '-f', example('client.yaml'))
  await cluster.kubectl('rollout', 'status', '-n', 'demo', 'deployment/nginx', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
})
afterAll(() => cluster?.down())

const endpoints = async () =>
  words(
    await cluster.kubectl('get', 'endpoints', '-n', 'demo', 'nginx', '-o', 'jsonpath={.subsets[*].addresses[*].ip}'),
  )
const slice = async () =>
  words(
    await cluster.kubectl(
      'get',
      'endpointslices',
      '-n',
      'demo',
      '-l',
      'kubernetes.io/service-name=nginx',
      '-o',
      'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}',
    ),
  )
const prodPods = async () =>
  words(
    await cluster.kubectl('get', 'pods', '-n', 'demo', '-l', 'env=prod', '-o', 'jsonpath={.items[*].metadata.name}'),
  )

test('W02 scaling down takes a pod out of Endpoints and slices, and no request fails meanwhile', async () => {
  await eventually('three endpoints', async () => (await endpoints()).length === 3)
  const ip = await cluster.kubectl('get', 'svc', '-n', 'demo', 'nginx', '-o', 'jsonpath={.spec.clusterIP}')
  const loop = `n=0; while [ $n -lt 60 ]; do curl -fsS -o /dev/null --max-time 5 http://${ip} || exit 1; n=$((n+1)); sleep 0.05; done; echo all $n`
  const requests = cluster.inPod('client', 'sh', '-c', loop)
  await cluster.kubectl('scale', '-n', 'demo', 'deployment/nginx', '--replicas=2')
  await eventually('two endpoints', async () => (await endpoints()).length === 2)
  await eventually('two ready endpoints in the slice', async () => (await slice()).length === 2)
  expect((await slice()).sort()).toEqual((await endpoints()).sort())
  expect(await requests).toBe('all 60\n')
})

test('W02 kubectl get endpoints -w shows the change as it happens', async () => {
  const watching = cluster.tryKubectl([
    'get',
    'endpoints',
    '-n',
    'demo',
    'nginx',
    '-w',
    '--request-timeout=6s',
    '--no-headers',
  ])
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await cluster.kubectl('scale', '-n', 'demo', 'deployment/nginx', '--replicas=3')
  const lines = (await watching).stdout.trim().split('\n')
  expect(words(lines[0] ?? '')[1]?.split(',')).toHaveLength(2)
  expect(words(lines.at(-1) ?? '')[1]?.split(',')).toHaveLength(3)
})

test('W02 a pod whose readiness probe fails leaves, and comes back', async () => {
  await eventually('three endpoints', async () => (await endpoints()).length === 3)
  const [pod = ''] = await prodPods()
  const page = '/usr/share/nginx/html/index.html'
  await cluster.inPod(`-n demo ${pod}`, 'sh', '-c', `mv ${page} /tmp/page; rm -f /usr/share/nginx/html/*`)
  await eventually('two endpoints', async () => (await endpoints()).length === 2)
  await cluster.inPod(`-n demo ${pod}`, 'sh', '-c', `mv /tmp/page ${page}`)
  await eventually('three endpoints', async () => (await endpoints()).length === 3)
})

test('W02 a pod whose container crashes leaves, and comes back when it is ready again', async () => {
  const [pod = ''] = await prodPods()
  await cluster.tryKubectl(['exec', '-n', 'demo', pod, '--', 'sh', '-c', 'kill -9 1; kill -QUIT 1'])
  await eventually('a restart', async () => {
    const count = await cluster.kubectl(
      'get',
      'pod',
      '-n',
      'demo',
      pod,
      '-o',
      'jsonpath={.status.containerStatuses[0].restartCount}',
    )
    return count === '1'
  })
  await eventually('three endpoints', async () => (await endpoints()).length === 3)
})
