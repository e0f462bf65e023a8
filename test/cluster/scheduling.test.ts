/** Where pods go and who gives way, as a user of kubectl asks for it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, startCluster, type TestCluster, words } from '../harness.ts'

let cluster: TestCluster

beforeAll(async () => {
  cluster = await startCluster('--nodes', '2')
})
afterAll(() => cluster?.down())

const container = '{name: c, image: busybox, command: [sleep, "1000"]}'
const nodesOf = async (selector: string) =>
  words(await cluster.kubectl('get', 'pods', '-l', selector, '-o', 'jsonpath={.items[*].spec.nodeName}')).sort()

test('a pod of higher priority takes the place of a lesser one', async () => {
  const cpu = Number(await cluster.kubectl('get', 'node', 'node-1', '-o', 'jsonpath={.status.allocatable.cpu}'))
  // More than half of a node: two fill the cluster.
  const requests = `{cpu: ${Math.ceil(cpu * 600)}m}`
  const pod = (name: string, priorityClassName: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {of: preemption}}
spec:
  priorityClassName: ${priorityClassName}
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: busybox, command: [sleep, "1000"], resources: {requests: ${requests}}}]
`
  await cluster.kubectl('create', 'priorityclass', 'low', '--value=10')
  await cluster.kubectl('create', 'priorityclass', 'mid', '--value=20')
  await cluster.kubectl('create', 'priorityclass', 'high', '--value=1000')
  await cluster.kubectl('create', 'priorityclass', 'patient', '--value=1000', '--preemption-policy=Never')
  await cluster.apply(`${pod('low', 'low')}---${pod('mid', 'mid')}`)
  await cluster.kubectl('wait', '--for=condition=ready', 'pod', '-l', 'of=preemption', '--timeout=30s')
  const place = await cluster.kubectl('get', 'pod', 'low', '-o', 'jsonpath={.spec.nodeName}')

  await cluster.apply(pod('patient', 'patient'))
  await eventually('the patient pod says why it waits', async () =>
    /2 Insufficient cpu\. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never\./.test(
      await cluster.kubectl('describe', 'pod', 'patient'),
    ),
  )
  await cluster.kubectl('delete', 'pod', 'patient', '--now')

  await cluster.apply(pod('high', 'high'))
  await cluster.kubectl('wait', '--for=condition=ready', 'pod/high', '--timeout=30s')
  expect(
    await cluster.kubectl('get', 'pod', 'high', '-o', 'jsonpath={.spec.nodeName} {.status.nominatedNodeName}'),
  ).toBe(`${place} `)
  expect(words(await cluster.kubectl('get', 'pods', '-l', 'of=preemption', '-o', 'name')).sort()).toEqual([
    'pod/high',
    'pod/mid',
  ])
  const uid = await cluster.kubectl('get', 'pod', 'high', '-o', 'jsonpath={.metadata.uid}')
  const said = await cluster.kubectl(
    'get',
    'events',
    '--field-selector',
    'reason=Preempted',
    '-o',
    'jsonpath={.items[*].message}',
  )
  expect(said).toBe(`Preempted by pod ${uid} on node ${place}`)
  await cluster.kubectl('delete', 'pods', '-l', 'of=preemption', '--now')
})

test('replicas that shun each other have a node each, and the next one waits', async () => {
  await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: shy}
spec:
  replicas: 3
  selector: {matchLabels: {app: shy}}
  template:
    metadata: {labels: {app: shy}}
    spec:
      terminationGracePeriodSeconds: 1
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: shy}}}
      containers: [${container}]
`)
  await eventually('two of them have a place', async () => (await nodesOf('app=shy')).join() === 'node-1,node-2')
  await eventually('the third says why not', async () =>
    (await cluster.kubectl('get', 'events')).includes("2 node(s) didn't match pod anti-affinity rules."),
  )
  await cluster.kubectl('delete', 'deployment', 'shy')
})

test('topology spread keeps replicas level, also those of one ReplicaSet', async () => {
  await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: level}
spec:
  replicas: 4
  selector: {matchLabels: {app: level}}
  template:
    metadata: {labels: {app: level}}
    spec:
      terminationGracePeriodSeconds: 1
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: DoNotSchedule
        labelSelector: {matchLabels: {app: level}}
        matchLabelKeys: [pod-template-hash]
      containers: [${container}]
`)
  await cluster.kubectl('rollout', 'status', 'deployment/level', '--timeout=30s')
  expect(await nodesOf('app=level')).toEqual(['node-1', 'node-1', 'node-2', 'node-2'])
  await cluster.kubectl('rollout', 'restart', 'deployment/level')
  await cluster.kubectl('rollout', 'status', 'deployment/level', '--timeout=30s')
  await cluster.kubectl('delete', 'deployment', 'level')
})

test('a gated pod waits for its gates, and NoExecute ends a pod when its toleration does', async () => {
  await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: {name: gated}
spec:
  schedulingGates: [{name: example.com/later}]
  terminationGracePeriodSeconds: 1
  nodeSelector: {kubernetes.io/hostname: node-2}
  tolerations: [{key: shaky, operator: Exists, effect: NoExecute, tolerationSeconds: 1}]
  containers: [${container}]
`)
  expect(await cluster.kubectl('get', 'pod', 'gated', '--no-headers')).toMatch(/^gated +0\/1 +SchedulingGated /)
  await cluster.kubectl(
    'patch',
    'pod',
    'gated',
    '--type=json',
    '-p',
    '[{"op":"remove","path":"/spec/schedulingGates"}]',
  )
  await cluster.kubectl('wait', '--for=condition=ready', 'pod/gated', '--timeout=30s')
  await cluster.kubectl('taint', 'node', 'node-2', 'shaky=yes:NoExecute')
  await cluster.kubectl('wait', '--for=delete', 'pod/gated', '--timeout=30s')
  await cluster.kubectl('taint', 'node', 'node-2', 'shaky-')
})

test('a claim that waits for its first pod gets a volume where the pod can run', async () => {
  const volume = (name: string, node: string, storage: string) => `
apiVersion: v1
kind: PersistentVolume
metadata: {name: ${name}}
spec:
  capacity: {storage: ${storage}}
  accessModes: [ReadWriteOnce]
  storageClassName: local-storage
  local: {path: /tmp}
  nodeAffinity:
    required:
      nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [${node}]}]}]
---`
  await cluster.apply(`
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: local-storage}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
---${volume('near', 'node-1', '1Gi')}${volume('far', 'node-2', '5Gi')}
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: local-storage, resources: {requests: {storage: 1Gi}}}
`)
  await eventually('the claim says what it waits for', async () =>
    (await cluster.kubectl('describe', 'pvc', 'data')).includes(
      'waiting for first consumer to be created before binding',
    ),
  )
  await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: {name: user}
spec:
  nodeSelector: {kubernetes.io/hostname: node-2}
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: busybox, command: [sleep, "1000"], volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`)
  await cluster.kubectl('wait', '--for=condition=ready', 'pod/user', '--timeout=30s')
  expect(await cluster.kubectl('get', 'pvc', 'data', '-o', 'jsonpath={.spec.volumeName} {.status.phase}')).toBe(
    'far Bound',
  )
})
