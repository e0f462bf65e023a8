import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, fairway, startCluster, type TestCluster } from '../harness.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startCluster('--nodes', '3')
  await cluster.kubectl('apply', '-f', example('web.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
})
afterAll(() => cluster?.down())

const status = async (name: string) => (await fairway('status', `svc/${name}`)).stdout
const currentNodes = (text: string) => [...text.matchAll(/^(node-\d) +current +(\d+) (\d+) +\S+Z +([\d.]+) ms /gm)]

test('W23 status shows what is stored of a Service, and on each node what is programmed and how long it took', async () => {
  const text = await eventually('rules on all nodes', async () => {
    const shown = await status('web')
    return currentNodes(shown).length === 3 && shown.includes(' 3 ready\n') ? shown : undefined
  })
  const revision = async (...what: string[]) =>
    cluster.kubectl('get', ...what, '-o', 'jsonpath={.items[*].metadata.resourceVersion}')
  const service = await revision('svc', '--field-selector=metadata.name=web')
  const slice = await revision('endpointslices', '-l', 'kubernetes.io/service-name=web')
  expect(text).toMatch(new RegExp(`^service/web +${service}$`, 'm'))
  expect(text).toMatch(new RegExp(`^endpointslice/web-\\w+ +${slice} +3 ready$`, 'm'))
  for (const [, , seenService, seenSlice] of currentNodes(text))
    expect([seenService, seenSlice]).toEqual([service, slice])
  expect(text).not.toContain('warning')
})

test('W23 a change of the Service and of its pods is followed from revision to revision', async () => {
  const before = currentNodes(await status('web')).map(([, , service, slice]) => [Number(service), Number(slice)])
  await cluster.kubectl('label', 'svc', 'web', 'changed=yes')
  await cluster.kubectl('scale', 'deployment/web', '--replicas=2')
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await eventually('newer revisions on all nodes', async () => {
    const after = currentNodes(await status('web')).map(([, , service, slice]) => [Number(service), Number(slice)])
    const newer = after.every(
      ([service = 0, slice = 0], i) => service > (before[i]?.[0] ?? 0) && slice > (before[i]?.[1] ?? 0),
    )
    return after.length === 3 && newer
  })
})

test('W23 a Service that is legal and of no use is warned of', async () => {
  await cluster.apply(
    '{apiVersion: v1, kind: Service, metadata: {name: lonely}, spec: {selector: {app: wbe}, ports: [{port: 80}]}}',
  )
  expect(await status('lonely')).toContain('warning: Its selector app=wbe matches no pod in namespace default.\n')
  await cluster.kubectl('patch', 'svc', 'web', '-p', '{"spec":{"type":"NodePort","externalTrafficPolicy":"Local"}}')
  await eventually('the warning', async () =>
    /warning: externalTrafficPolicy is Local: no ready pod of it is on node-\d, where packets/.test(
      await status('web'),
    ),
  )
})

test('W23 a Service that does not exist, and what is no Service, are refused', async () => {
  expect((await fairway('status', 'svc/nope')).stderr).toBe(
    'fairway: there is no service "nope" in namespace default\n',
  )
  expect((await fairway('status', 'pod/web')).stderr).toBe('fairway: "pod/web" is not svc/NAME\n')
})

test('W23 kube-proxy is asked where its ConfigMap says that it listens', async () => {
  const at = ['-n', 'kube-system']
  const config = JSON.parse(await cluster.kubectl('get', 'configmap', 'kube-proxy', ...at, '-o', 'json')) as {
    data: Record<string, string>
  }
  const text = config.data['config.conf']?.replace('0.0.0.0:10256', '0.0.0.0:10300')
  await cluster.kubectl(
    'patch',
    'configmap',
    'kube-proxy',
    ...at,
    '-p',
    JSON.stringify({ data: { 'config.conf': text } }),
  )
  expect(await status('web')).toMatch(
    /^warning: kube-proxy does not answer at port 10300 of node-1, node-2, node-3: see fairway logs kube-proxy --node node-1\.$/m,
  )
  await cluster.kubectl('delete', 'pods', ...at, '-l', 'k8s-app=kube-proxy')
  await eventually('rules of all nodes', async () => currentNodes(await status('web')).length === 3)
})
