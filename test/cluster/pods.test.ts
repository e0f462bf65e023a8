/** Pods with everything other programs rely on, by the real kubectl on a real cluster. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, startCluster, type TestCluster } from '../harness.ts'

let cluster: TestCluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.down())

const kubectl = (...args: string[]) => cluster.kubectl(...args)
const ready = (pod: string) => kubectl('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=20s')
const field = (pod: string, path: string) => kubectl('get', 'pod', pod, '-o', `jsonpath={${path}}`)
const events = async (pod: string) => kubectl('get', 'events', '--field-selector', `involvedObject.name=${pod}`)

describe('what a pod is made of', () => {
  test('changes in its volumes when kubectl changes it', async () => {
    await kubectl('create', 'configmap', 'settings', '--from-literal=color=red')
    await kubectl('create', 'secret', 'generic', 'keys', '--from-literal=key=one')
    await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: {name: live, labels: {app: live}}
spec:
  containers:
    - name: main
      image: busybox
      command: [sleep, "1000"]
      volumeMounts: [{name: all, mountPath: /all}]
  volumes:
    - name: all
      projected:
        sources:
          - configMap: {name: settings}
          - secret: {name: keys}
          - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
`)
    await ready('live')
    const read = () => cluster.inPod('live', 'sh', '-c', 'cat /all/color /all/key /all/labels')
    expect(await read()).toBe('redoneapp="live"')
    await kubectl('patch', 'configmap', 'settings', '-p', '{"data":{"color":"blue"}}')
    await kubectl('patch', 'secret', 'keys', '-p', '{"stringData":{"key":"two"}}')
    await kubectl('label', 'pod', 'live', 'app=other', '--overwrite')
    await eventually('all three in the volume', async () => (await read()) === 'bluetwoapp="other"')
    await kubectl('delete', 'pod', 'live', '--grace-period=0', '--force')
  })

  test('waits for what is missing, and says so', async () => {
    const volume = 'volumes: [{name: v, configMap: {name: later}}]'
    await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: {name: waiting}
spec:
  containers: [{name: main, image: busybox, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /v}]}]
  ${volume}
`)
    const message = 'MountVolume.SetUp failed for volume "v" : configmap "later" not found'
    await eventually('the event', async () => (await events('waiting')).includes(message))
    expect(await kubectl('get', 'pod', 'waiting')).toContain('ContainerCreating')
    await kubectl('create', 'configmap', 'later', '--from-literal=a=1')
    await ready('waiting')
    await kubectl('delete', 'pod', 'waiting', '--now')
  })
})

describe('the token of its account', () => {
  test('lets a pod speak with the API server as that account', async () => {
    await kubectl('wait', '--for=create', 'serviceaccount/default', '--timeout=20s')
    await kubectl('run', 'speaker', '--image=busybox', '--', 'sleep', '1000')
    await ready('speaker')
    const directory = '/var/run/secrets/kubernetes.io/serviceaccount'
    expect(await cluster.inPod('speaker', 'cat', `${directory}/namespace`)).toBe('default')
    const whoami = `curl -s --cacert ${directory}/ca.crt -H "Authorization: Bearer $(cat ${directory}/token)"
      -H 'Content-Type: application/json' -d '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
      https://kubernetes.default.svc/apis/authentication.k8s.io/v1/selfsubjectreviews`
    const answer = await cluster.inPod('speaker', 'sh', '-c', whoami.replaceAll('\n', ' '))
    expect(JSON.parse(answer)).toMatchObject({
      status: { userInfo: { username: 'system:serviceaccount:default:default' } },
    })
    await kubectl('delete', 'pod', 'speaker', '--now')
  })
})

describe('sidecars', () => {
  test('are counted, start first, and let a pod complete', async () => {
    await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: {name: batch}
spec:
  restartPolicy: Never
  initContainers:
    - {name: side, image: busybox, restartPolicy: Always, command: [sh, -c, 'trap "exit 0" TERM; while :; do sleep 0.1; done']}
    - {name: setup, image: busybox, command: [sh, -c, 'echo ready > /v/x'], volumeMounts: [{name: v, mountPath: /v}]}
  containers:
    - {name: main, image: busybox, command: [sh, -c, 'cat /v/x; until [ -e /v/enough ]; do sleep 0.1; done'], volumeMounts: [{name: v, mountPath: /v}]}
  volumes: [{name: v, emptyDir: {}}]
`)
    await eventually('both running', async () => /batch +2\/2 +Running/.test(await kubectl('get', 'pods')))
    await cluster.inPod('batch -c main', 'touch', '/v/enough')
    await kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/batch', '--timeout=20s')
    expect(await kubectl('get', 'pod', 'batch')).toMatch(/batch +0\/2 +Completed +0/)
    expect(await kubectl('logs', 'batch', '-c', 'main')).toBe('ready\n')
    await kubectl('delete', 'pod', 'batch')
  })
})

describe('a crash', () => {
  test('is told with its last word, and backs off', async () => {
    await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: {name: crash}
spec:
  containers:
    - name: main
      image: busybox
      command: [sh, -c, 'echo -n because > /dev/termination-log; exit 3']
`)
    await eventually('the back-off', async () => (await kubectl('get', 'pod', 'crash')).includes('CrashLoopBackOff'))
    expect(await field('crash', '.status.containerStatuses[0].lastState.terminated.message')).toBe('because')
    const backOff = 'Back-off restarting failed container main in pod crash_default('
    await eventually('the Event', async () => (await events('crash')).includes(backOff))
    await kubectl('delete', 'pod', 'crash', '--grace-period=0', '--force')
    await eventually('it to be off the node', async () => !(await kubectl('get', 'pods', '-A')).includes('crash'))
  })
})

describe('a host port', () => {
  test('leads to the pod; a second one of it is not scheduled', async () => {
    const manifest = (name: string, ip: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  containers:
    - name: web
      image: ikubernetes/demoapp:v1.0
      ports: [{containerPort: 80, hostPort: 8080, hostIP: ${ip}}]
`
    await cluster.apply(manifest('port', '172.30.0.11'))
    await ready('port')
    expect(await cluster.onNode('curl', '-s', '-m', '5', 'http://172.30.0.11:8080/')).toContain('ServerName: port')
    await cluster.apply(manifest('clash', '0.0.0.0'))
    const message = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    await eventually('the refusal', async () => (await events('clash')).includes(message))
    await kubectl('delete', 'pod', 'port', 'clash', '--now')
  })
})

describe('kubectl debug', () => {
  test("adds a container that sees the pod's network and its target's processes", async () => {
    await kubectl('run', 'patient', '--image=ikubernetes/demoapp:v1.0')
    await ready('patient')
    const look = 'cat /proc/1/cmdline; curl -s http://localhost/; sleep 1000'
    await kubectl('debug', 'patient', '--image=busybox', '--target=patient', '-c', 'doctor', '--', 'sh', '-c', look)
    await eventually('what it sees', async () =>
      /nginx.*ServerName: patient/s.test(await kubectl('logs', 'patient', '-c', 'doctor')),
    )
    expect(await field('patient', '.status.ephemeralContainerStatuses[0].state.running')).toContain('startedAt')
    expect(await cluster.inPod('patient -c doctor', 'echo', 'hi')).toBe('hi\n')
    const { stderr } = await cluster.tryKubectl(['debug', 'patient', '--image=busybox', '--target=none', '-c', 'x'])
    expect(stderr).toContain('spec.ephemeralContainers[1].targetContainerName: Not found: "none"')
    await kubectl('delete', 'pod', 'patient', '--now')
  })
})
