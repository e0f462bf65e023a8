import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, words } from '../harness.ts'
import { type PodRow, readyPods, startThreeNodes, type ThreeNodes, watching } from './three-nodes.ts'

let cluster: ThreeNodes
beforeAll(async () => {
  cluster = await startThreeNodes()
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
/** One that serves and stays: those of the last scaling may still be on their way out. */
async function prodPod(): Promise<PodRow> {
  const [pod] = await readyPods(cluster, 'env=prod', 'demo')
  if (!pod) throw new Error('no pod is ready')
  return pod
}

/** Addresses in the lines that `kubectl get endpoints -w` has printed so far. */
const shown = (line = '') => (words(line)[1] ?? '').split(',').filter((address) => address !== '<none>')

test('W02 scaling down and up: pods leave and come, and no request fails meanwhile', async () => {
  await eventually('three endpoints', async () => (await endpoints()).length === 3)
  const ip = await cluster.kubectl('get', 'svc', '-n', 'demo', 'nginx', '-o', 'jsonpath={.spec.clusterIP}')
  const loop = `n=0; until [ -e /tmp/enough ]; do curl -sS -f -o /dev/null --max-time 5 http://${ip} || exit 1; n=$((n+1)); sleep 0.02; done; echo all $n`
  const fromPod = cluster.inPod('client', 'sh', '-c', loop)
  const fromNode = cluster.on('node-2', 'sh', '-c', loop.replace('until [ -e /tmp/enough ]', 'while [ $n -lt 100 ]'))
  for (const replicas of [2, 5, 1, 3]) {
    await cluster.kubectl('scale', '-n', 'demo', 'deployment/nginx', `--replicas=${replicas}`)
    await eventually(`${replicas} endpoints`, async () => (await endpoints()).length === replicas)
    await eventually(`${replicas} ready endpoints in the slice`, async () => (await slice()).length === replicas)
    expect((await slice()).sort()).toEqual((await endpoints()).sort())
  }
  await cluster.inPod('client', 'touch', '/tmp/enough')
  expect(await fromPod).toMatch(/^all \d+\n$/)
  expect(await fromNode).toMatchObject({ code: 0, stdout: 'all 100\n' })
})

test('W02 kubectl get endpoints -w shows the change as it happens', async () => {
  const watch = await watching('endpoints', '-n', 'demo', 'nginx')
  expect(shown(watch.lines()[0])).toHaveLength(3)
  await cluster.kubectl('scale', '-n', 'demo', 'deployment/nginx', '--replicas=2')
  await eventually('a line with two endpoints', async () => shown(watch.lines().at(-1)).length === 2)
  await cluster.kubectl('scale', '-n', 'demo', 'deployment/nginx', '--replicas=3')
  await eventually('a line with three endpoints', async () => shown(watch.lines().at(-1)).length === 3)
})

test('W02 kubectl get svc -w shows a change of the Service', async () => {
  const watch = await watching('svc', '-n', 'demo', 'nginx')
  await cluster.kubectl('patch', 'svc', '-n', 'demo', 'nginx', '-p', '{"spec":{"type":"NodePort"}}')
  await eventually('a line with a node port', async () =>
    / NodePort +10\.\S+ +<none> +80:3\d{4}\/TCP /.test(watch.lines().at(-1) ?? ''),
  )
  await cluster.kubectl('patch', 'svc', '-n', 'demo', 'nginx', '-p', '{"spec":{"type":"ClusterIP"}}')
  await eventually('a line without', async () =>
    / ClusterIP +10\.\S+ +<none> +80\/TCP /.test(watch.lines().at(-1) ?? ''),
  )
  expect(watch.lines()).toHaveLength(3)
})

test('W02 a pod whose readiness probe fails leaves, and comes back', async () => {
  await eventually('three endpoints', async () => (await endpoints()).length === 3)
  const { name: pod } = await prodPod()
  const page = '/usr/share/nginx/html/index.html'
  await cluster.inPod(`-n demo ${pod}`, 'sh', '-c', `mv ${page} /tmp/page; rm -f /usr/share/nginx/html/*`)
  await eventually('two endpoints', async () => (await endpoints()).length === 2)
  await eventually('two ready endpoints in the slice', async () => (await slice()).length === 2)
  expect(await cluster.kubectl('get', 'pod', '-n', 'demo', pod, '--no-headers')).toMatch(/ 0\/1 +Running +0 /)
  await cluster.inPod(`-n demo ${pod}`, 'sh', '-c', `mv /tmp/page ${page}`)
  await eventually('three endpoints', async () => (await endpoints()).length === 3)
})

test('W02 a pod whose container crashes leaves, and comes back when it is ready again', async () => {
  const { name: pod, ip } = await prodPod()
  const watch = await watching('endpoints', '-n', 'demo', 'nginx')
  await cluster.tryKubectl(['exec', '-n', 'demo', pod, '--', 'sh', '-c', 'kill -QUIT 1'])
  const path = 'jsonpath={.status.containerStatuses[0].restartCount}'
  await eventually(
    'a restart',
    async () => (await cluster.kubectl('get', 'pod', '-n', 'demo', pod, '-o', path)) === '1',
  )
  await eventually('it to be there, then not, then there again', async () => {
    const seen = watch.lines().map((line) => shown(line).includes(`${ip}:80`))
    return seen.filter((there, i) => there !== seen[i - 1]).join() === 'true,false,true'
  })
})
