import { afterAll, beforeAll, expect, test } from 'vitest'
import { startThreeNodes, type ThreeNodes } from './three-nodes.ts'

let cluster: ThreeNodes
const pod = (name: string, extra = '') => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 0
  ${extra}
  containers: [{name: main, image: "busybox:1.36", command: [sleep, infinity]}]
`
const service = `
apiVersion: v1
kind: Service
metadata: {name: my-web}
spec: {clusterIP: 10.97.1.1, ports: [{name: http-main, port: 80}]}
`
const environment = async (name: string) => {
  await cluster.kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=30s')
  const lines = (await cluster.inPod(name, 'env')).trim().split('\n')
  return new Map(
    lines.map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.apply(pod('before'))
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/before', '--timeout=30s')
  await cluster.apply(service)
  await cluster.apply(pod('after'))
  await cluster.apply(pod('without', 'enableServiceLinks: false'))
})
afterAll(() => cluster?.down())

test('W05 a pod created after the Service has its variables', async () => {
  const variables = await environment('after')
  const expected = {
    MY_WEB_SERVICE_HOST: '10.97.1.1',
    MY_WEB_SERVICE_PORT: '80',
    MY_WEB_SERVICE_PORT_HTTP_MAIN: '80',
    MY_WEB_PORT: 'tcp://10.97.1.1:80',
    MY_WEB_PORT_80_TCP: 'tcp://10.97.1.1:80',
    MY_WEB_PORT_80_TCP_PROTO: 'tcp',
    MY_WEB_PORT_80_TCP_PORT: '80',
    MY_WEB_PORT_80_TCP_ADDR: '10.97.1.1',
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_443_TCP_PORT: '443',
    KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
  }
  for (const [name, value] of Object.entries(expected)) expect([name, variables.get(name)]).toEqual([name, value])
})

test.each(['before', 'without'])('W05 a pod created %s has none but those of kubernetes', async (name) => {
  const variables = await environment(name)
  expect([...variables.keys()].filter((key) => key.startsWith('MY_WEB'))).toEqual([])
  expect(variables.get('KUBERNETES_SERVICE_HOST')).toBe('10.96.0.1')
})
