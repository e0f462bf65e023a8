import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runOk } from '../../src/lib/exec.ts'
import { eventually, example } from '../harness.ts'
import { curl, startThreeNodes, type ThreeNodes, visit } from './three-nodes.ts'

const externalIp = '10.0.0.168'
let cluster: ThreeNodes
let directory = ''
beforeAll(async () => {
  cluster = await startThreeNodes()
  directory = mkdtempSync(join(tmpdir(), 'fairway-w16-'))
  const files = { key: join(directory, 'key.pem'), cert: join(directory, 'cert.pem') }
  const subject = ['-subj', '/CN=shop.example.org', '-addext', 'subjectAltName=DNS:shop.example.org']
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.key]
  await runOk('openssl', ['req', '-x509', '-days', '2', '-out', files.cert, ...newKey, ...subject])
  await cluster.kubectl('create', 'secret', 'tls', 'secure', `--cert=${files.cert}`, `--key=${files.key}`)
  const files3 = ['web.yaml', 'external-ip.yaml', 'client.yaml'].flatMap((name) => ['-f', example(name)])
  await cluster.kubectl('apply', ...files3)
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/secure', 'pod/client', '--timeout=30s')
})
afterAll(async () => {
  await cluster?.down()
  rmSync(directory, { recursive: true, force: true })
})

/** The network brings the address to this node. */
const routeTo = (nodeIp: string) => cluster.outside('ip', 'route', 'replace', externalIp, 'via', nodeIp)
const tls = () => [
  ...curl('https://shop.example.org/', '--resolve', `shop.example.org:443:${externalIp}`),
  '--cacert',
  join(directory, 'cert.pem'),
]

test('W16 kubectl shows the address', async () => {
  expect(await cluster.kubectl('get', 'svc', 'web-external', '--no-headers')).toMatch(
    /^web-external +ClusterIP +10\.\d+\.\d+\.\d+ +10\.0\.0\.168 +80\/TCP /,
  )
  expect(await cluster.kubectl('describe', 'svc', 'web-external')).toMatch(/^External IPs: +10\.0\.0\.168$/m)
})

test('W16 the address answers through every node', async () => {
  for (const [node, ip] of cluster.nodes) {
    await routeTo(ip)
    const seen = await eventually(`an answer through ${node}`, async () =>
      visit(await cluster.outside(...curl(`http://${externalIp}`))),
    )
    expect(seen.client).toBe(ip)
  }
})

test('W16 nodes and pods reach it, too, without leaving the cluster', async () => {
  for (const node of cluster.nodes.keys()) {
    expect(visit(await cluster.on(node, ...curl(`http://${externalIp}`)))).toBeDefined()
  }
  expect(visit(await cluster.tryKubectl(['exec', 'client', '--', ...curl(`http://${externalIp}`)]))).toBeDefined()
})

test('W16 a TLS server behind 443 answers at the same address', async () => {
  for (const [node, ip] of cluster.nodes) {
    await routeTo(ip)
    const answer = await eventually(`an answer through ${node}`, async () => (await cluster.outside(...tls())).stdout)
    expect(answer).toBe('safe and sound\n')
  }
})

test('W16 a port that no Service has at that address is nobody', async () => {
  expect((await cluster.outside(...curl(`http://${externalIp}:81`))).code).not.toBe(0)
})

test('W16 without the address the Service no longer answers there', async () => {
  await cluster.kubectl('patch', 'svc', 'web-external', '-p', '{"spec":{"externalIPs":null}}')
  await eventually('no answer', async () => (await cluster.outside(...curl(`http://${externalIp}`))).code !== 0)
  expect((await cluster.outside(...tls())).stdout).toBe('safe and sound\n')
  const rules = async () => (await cluster.on('node-1', 'iptables-save', '-t', 'nat')).stdout
  await eventually('no rule', async () => !(await rules()).includes('default/web-external:http external IP'))
  expect(await rules()).toContain('default/secure:https external IP')
})

test.each([
  ['127.0.0.1', 'may not be in the loopback range'],
  ['0.0.0.0', 'may not be unspecified'],
  ['shop.example.org', 'must be a valid IP address'],
])('W16 the external address %s is refused', async (address, message) => {
  const patch = JSON.stringify({ spec: { externalIPs: [address] } })
  const result = await cluster.tryKubectl(['patch', 'svc', 'web-external', '-p', patch])
  expect(result.stderr).toContain(`spec.externalIPs[0]: Invalid value: "${address}": ${message}`)
})
