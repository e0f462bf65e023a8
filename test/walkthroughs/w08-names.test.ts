import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { eventually, example, startCluster, type TestCluster, words } from '../harness.ts'

let cluster: TestCluster
let ip = ''

async function begin(...options: string[]) {
  cluster = await startCluster('--nodes', '3', ...options)
  await cluster.kubectl('create', 'namespace', 'demo')
  await cluster.kubectl('apply', '-n', 'demo', '-f', example('web.yaml'), '-f', example('client.yaml'))
  await cluster.kubectl('apply', '-f', example('client.yaml'))
  await cluster.kubectl('wait', '--for=condition=Ready', '-n', 'demo', 'pod/client', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
  ip = await cluster.kubectl('get', 'svc', '-n', 'demo', 'web', '-o', 'jsonpath={.spec.clusterIP}')
}

async function shownDomain(): Promise<string> {
  const pipe = "kubectl get configmap coredns -n kube-system -o yaml | grep kubernetes | awk '{print $2}'"
  return (await run('sh', ['-c', pipe])).stdout
}

async function lookup(pod: string, name: string): Promise<string> {
  return (await cluster.tryKubectl(['exec', ...pod.split(' '), '--', 'nslookup', name])).stdout
}

describe('with the usual domain', () => {
  beforeAll(() => begin('--nodes', '3'))
  afterAll(() => cluster?.down())

  test('W08 the ConfigMap names the domain and nothing else', async () => {
    expect(await shownDomain()).toBe('cluster.local\n')
  })

  test.each([
    ['-n demo client', ['web', 'web.demo', 'web.demo.svc', 'web.demo.svc.cluster.local']],
    ['-n default client', ['web.demo', 'web.demo.svc', 'web.demo.svc.cluster.local']],
  ])('W08 nslookup from pod %s', async (pod, names) => {
    for (const name of names) {
      const found = await eventually(`an answer for ${name}`, async () => {
        const text = await lookup(pod, name)
        return text.includes('Address: ') ? text : undefined
      })
      expect(found).toContain(`Name:\tweb.demo.svc.cluster.local\nAddress: ${ip}\n`)
    }
    expect(await lookup('-n default client', 'web')).toContain("server can't find web")
  })

  test("W08 the same from the node, asking a DNS pod's own IP", async () => {
    const dns = words(
      await cluster.kubectl(
        'get',
        'pod',
        '-n',
        'kube-system',
        '-l',
        'k8s-app=kube-dns',
        '-o',
        'jsonpath={.items[*].status.podIP}',
      ),
    )
    expect(await cluster.onNode('dig', '+short', 'web.demo.svc.cluster.local', `@${dns[0]}`)).toBe(`${ip}\n`)
  })

  test('W08 kubectl get svc -A shows kube-dns', async () => {
    const all = await cluster.kubectl('get', 'svc', '-A', '--no-headers')
    expect(all).toMatch(/^kube-system +kube-dns +ClusterIP +10\.96\.0\.10 +<none> +53\/UDP,53\/TCP,9153\/TCP /m)
  })

  test('W08 outside the cluster the name does not resolve', async () => {
    expect((await run('getent', ['hosts', 'web.demo.svc.cluster.local'])).code).not.toBe(0)
  })
})

describe('with another domain', () => {
  beforeAll(() => begin('--cluster-domain', 'k8s.example.org'))
  afterAll(() => cluster?.down())

  test('W08 it is used everywhere', async () => {
    expect(await shownDomain()).toBe('k8s.example.org\n')
    expect(await cluster.inPod('-n demo client', 'cat', '/etc/resolv.conf')).toContain(
      'search demo.svc.k8s.example.org svc.k8s.example.org k8s.example.org',
    )
    const found = await eventually('an answer', async () => {
      const text = await lookup('-n demo client', 'web')
      return text.includes('Address: ') ? text : undefined
    })
    expect(found).toContain(`Name:\tweb.demo.svc.k8s.example.org\nAddress: ${ip}\n`)
  })
})
