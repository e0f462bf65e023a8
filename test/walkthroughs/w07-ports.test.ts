import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example } from '../harness.ts'
import { startThreeNodes, type ThreeNodes } from './three-nodes.ts'

let cluster: ThreeNodes
beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.kubectl('apply', '-f', example('several-ports.yaml'))
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/two-doors', '--timeout=30s')
})
afterAll(() => cluster?.down())

const ipOf = (name: string) => cluster.kubectl('get', 'svc', name, '-o', 'jsonpath={.spec.clusterIP}')

test('W07 two named ports work, each to its own target', async () => {
  const ip = await ipOf('two-doors')
  const get = (port: number) => cluster.onNode('curl', '-fsS', '--max-time', '5', `http://${ip}:${port}`)
  await eventually('rules', async () => (await get(80)) && (await get(81)))
  expect(await get(80)).toBe('front door\n')
  expect(await get(81)).toBe('back door\n')
})

test('W07 TCP and UDP live together on one number', async () => {
  expect(await cluster.kubectl('get', 'svc', 'same-number', '--no-headers')).toMatch(/ 53\/UDP,53\/TCP /)
  const ip = await ipOf('same-number')
  const answer = await eventually('the TCP port', () =>
    cluster.onNode('curl', '-fsS', '--max-time', '5', `http://${ip}:53`),
  )
  expect(answer).toBe('front door\n')
})

const service = (ports: string) => `{apiVersion: v1, kind: Service, metadata: {name: bad}, spec: {ports: [${ports}]}}`

test.each([
  [
    'two ports without names',
    service('{port: 80}, {port: 81}'),
    ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
  ],
  [
    'the protocol HTTP',
    service('{port: 80, protocol: HTTP}'),
    ['spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"'],
  ],
  [
    'a port out of range',
    service('{port: 70000}'),
    ['spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive'],
  ],
  [
    'a port that is text',
    service('{port: eighty}'),
    ['cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32'],
  ],
])('W07 %s: refused in the words of Kubernetes, and nothing is stored', async (_, manifest, messages) => {
  const result = await cluster.tryKubectl(['create', '-f', '-'], manifest)
  expect(result.code).toBe(1)
  for (const message of messages) expect(result.stderr).toContain(message)
  expect((await cluster.tryKubectl(['get', 'svc', 'bad'])).stderr).toContain('Error from server (NotFound)')
})

test('an unknown kind and an invalid name are refused', async () => {
  const unknown = await cluster.tryKubectl(
    ['create', '-f', '-'],
    '{apiVersion: v1, kind: Servise, metadata: {name: a}}',
  )
  expect(unknown.stderr).toContain('no matches for kind "Servise" in version "v1"')
  const named = await cluster.tryKubectl(['create', '-f', '-'], service('{port: 80}').replace('bad', 'Bad_Name'))
  expect(named.stderr).toMatch(/metadata.name: Invalid value: "Bad_Name": a (DNS-1035|lowercase RFC 1123) label/)
})
