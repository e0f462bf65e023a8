/** The resources around a workload, with the real kubectl: storage that outlives pods, budgets that hold up a drain. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, startCluster, type TestCluster, words } from '../harness.ts'

let cluster: TestCluster

beforeAll(async () => {
  cluster = await startCluster('--nodes', '2')
})
afterAll(() => cluster?.down())

test('what a pod of a StatefulSet wrote is there for the next of its name', async () => {
  await cluster.apply(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 1
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: db
        image: busybox
        command: [sh, -c, 'echo $HOSTNAME >> /data/starts; exec sleep 1000']
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`)
  await cluster.kubectl('rollout', 'status', 'statefulset/db', '--timeout=30s')
  expect(await cluster.kubectl('get', 'pvc', '--no-headers')).toMatch(
    /^data-db-0 +Bound +pvc-\S+ +1Gi +RWO +standard +<unset> +\d+s\n$/,
  )
  expect(await cluster.kubectl('get', 'pv', '--no-headers')).toMatch(
    /^pvc-\S+ +1Gi +RWO +Delete +Bound +default\/data-db-0 +standard +<unset> +\d+s\n$/,
  )
  await cluster.kubectl('delete', 'pod', 'db-0')
  await cluster.kubectl('rollout', 'status', 'statefulset/db', '--timeout=30s')
  await eventually(
    'both have written',
    async () => (await cluster.inPod('db-0', 'cat', '/data/starts')) === 'db-0\ndb-0\n',
  )
  await cluster.kubectl('delete', 'statefulset', 'db')
  await cluster.kubectl('delete', 'pvc', 'data-db-0', '--timeout=20s')
  await cluster.kubectl('wait', '--for=delete', 'pv', '--all', '--timeout=20s')
})

test('an ephemeral volume comes and goes with its pod', async () => {
  await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: {name: cruncher}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: cruncher
    image: busybox
    command: [sh, -c, 'echo much > /scratch/data; exec sleep 1000']
    volumeMounts: [{name: scratch, mountPath: /scratch}]
  volumes:
  - name: scratch
    ephemeral:
      volumeClaimTemplate:
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}
`)
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/cruncher', '--timeout=30s')
  expect(await cluster.kubectl('get', 'pvc', '--no-headers')).toMatch(/^cruncher-scratch +Bound +pvc-\S+ +2Gi +RWO /)
  await eventually('it has written', async () => {
    return (await cluster.inPod('cruncher', 'cat', '/scratch/data')) === 'much\n'
  })
  await cluster.kubectl('delete', 'pod', 'cruncher')
  await cluster.kubectl('wait', '--for=delete', 'pvc,pv', '--all', '--timeout=20s')
})

test('kubectl drain waits for a budget', async () => {
  await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: web, image: nginx}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
`)
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await eventually('the budget is counted', async () => {
    const seen = await cluster.kubectl('get', 'pdb', 'web', '--no-headers')
    return /^web +2 +N\/A +0 +\d+s\n$/.test(seen)
  })
  const node = await cluster.kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].spec.nodeName}')
  const drain = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--pod-selector=app=web']
  const refused = await cluster.tryKubectl([...drain, '--timeout=6s'])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.")
  await cluster.kubectl('patch', 'pdb', 'web', '--type=merge', '-p', '{"spec":{"minAvailable":1}}')
  await cluster.kubectl(...drain, '--timeout=30s')
  const nodes = await cluster.kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}')
  expect(words(nodes)).not.toContain(node)
  await cluster.kubectl('uncordon', node)
})

test('a quota and a LimitRange hold in their namespace', async () => {
  await cluster.kubectl('create', 'namespace', 'small')
  const inSmall = (...args: string[]) => cluster.kubectl('-n', 'small', ...args)
  await inSmall('create', 'quota', 'few', '--hard=pods=1,services.nodeports=0,requests.memory=64Mi')
  await cluster.apply(`
apiVersion: v1
kind: LimitRange
metadata: {name: modest, namespace: small}
spec: {limits: [{type: Container, defaultRequest: {memory: 48Mi}, max: {memory: 64Mi}}]}
`)
  const usage = () => inSmall('get', 'quota', 'few', '--no-headers')
  const counted = (pods: number, memory: string) =>
    `pods: ${pods}/1, requests.memory: ${memory}/64Mi, services.nodeports: 0/0`
  await eventually('the quota is counted', async () => (await usage()).includes(counted(0, '0')))
  await inSmall('create', 'deployment', 'web', '--image=nginx', '--replicas=2')
  await inSmall('wait', '--for=jsonpath={.status.readyReplicas}=1', 'deployment/web', '--timeout=20s')
  expect(await usage()).toContain(counted(1, '48Mi'))
  await eventually('the second pod is refused', async () =>
    (await inSmall('get', 'events', '--field-selector', 'reason=FailedCreate')).includes('exceeded quota: few'),
  )
  const { stderr } = await cluster.tryKubectl(['-n', 'small', 'create', 'service', 'nodeport', 'web', '--tcp=80'])
  expect(stderr).toBe(
    'error: failed to create NodePort service: services "web" is forbidden: exceeded quota: few, requested: services.nodeports=1, used: services.nodeports=0, limited: services.nodeports=0\n',
  )
  await inSmall('delete', 'deployment', 'web')
  await eventually('there is room again', async () => (await usage()).includes(counted(0, '0')))
  await cluster.kubectl('delete', 'namespace', 'small', '--timeout=30s')
})

test('kubectl explains, lists and describes the kinds', async () => {
  const known = await cluster.kubectl('api-resources', '--no-headers', '-o', 'name')
  for (const name of [
    'ingresses.networking.k8s.io',
    'jobs.batch',
    'poddisruptionbudgets.policy',
    'persistentvolumes',
  ]) {
    expect(known.split('\n')).toContain(name)
  }
  expect(await cluster.kubectl('explain', 'ingress.spec.rules')).toContain('GROUP:      networking.k8s.io')
  await cluster.kubectl('create', 'ingress', 'web', '--class=nginx', '--rule=web.example.com/*=web:80')
  expect(await cluster.kubectl('get', 'ingress', 'web', '--no-headers')).toMatch(
    /^web +nginx +web\.example\.com +80 +\d+s\n$/,
  )
  expect(await cluster.kubectl('describe', 'ingress', 'web')).toContain('/   web:80')
  expect(await cluster.kubectl('get', 'priorityclasses', '--no-headers')).toMatch(
    /^system-cluster-critical +2000000000 +false +\d+s +PreemptLowerPriority\nsystem-node-critical +2000001000 /,
  )
  expect(await cluster.kubectl('get', 'sc', '--no-headers')).toMatch(
    /^standard \(default\) +fairway\/host-path +Delete +Immediate +false +\d+s\n$/,
  )
})
