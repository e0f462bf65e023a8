/** Who is who, and who may what, on a whole cluster: kubectl's questions, tokens, an operator in a pod, the parts' own. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stateBase } from '../../src/cluster/settings.ts'
import { existingCluster } from '../../src/cluster/state.ts'
import { type ExecResult, run } from '../../src/lib/exec.ts'
import { eventually, startCluster, type TestCluster } from '../harness.ts'

let cluster: TestCluster

beforeAll(async () => {
  cluster = await startCluster()
})

afterAll(() => cluster?.down())

const layout = () => existingCluster('fairway', stateBase(process.env)).layout

/** kubectl without the user's certificate. */
function bare(...args: string[]): Promise<ExecResult> {
  const flags = ['--kubeconfig=/dev/null', `--server=${layout().apiServer}`, '--insecure-skip-tls-verify']
  return run('kubectl', [...flags, ...args], { timeoutMs: 20_000 })
}

describe('kubectl', () => {
  test('auth whoami tells the user, also another one', async () => {
    const own = await cluster.kubectl(
      'auth',
      'whoami',
      '-o',
      'jsonpath={.status.userInfo.username} {.status.userInfo.groups}',
    )
    expect(own).toBe('kubernetes-admin ["system:masters","system:authenticated"]')
    const other = await cluster.kubectl(
      'auth',
      'whoami',
      '--as=jane',
      '--as-group=devs',
      '-o',
      'jsonpath={.status.userInfo.username} {.status.userInfo.groups}',
    )
    expect(other).toBe('jane ["devs","system:authenticated"]')
  })

  test('auth can-i answers for oneself and for others', async () => {
    expect(await cluster.kubectl('auth', 'can-i', 'delete', 'nodes')).toBe('yes\n')
    expect(await cluster.kubectl('auth', 'can-i', '--list')).toMatch(/^\*\.\* +\[\] +\[\] +\[\*\]$/m)
    const jane = await cluster.tryKubectl(['auth', 'can-i', 'list', 'pods', '--as=jane'])
    expect([jane.code, jane.stdout]).toEqual([1, 'no\n'])
  })

  test('is refused as somebody who was granted nothing, until a role is bound', async () => {
    const list = () => cluster.tryKubectl(['get', 'services', '--as=jane'])
    expect((await list()).stderr).toBe(
      'Error from server (Forbidden): services is forbidden: User "jane" cannot list resource "services" in API group "" in the namespace "default"\n',
    )
    await cluster.kubectl('create', 'rolebinding', 'jane', '--clusterrole=view', '--user=jane')
    expect((await list()).code).toBe(0)
    expect(await cluster.kubectl('get', 'rolebinding', 'jane', '-o', 'wide')).toMatch(
      /^jane +ClusterRole\/view +\S+ +jane *$/m,
    )
    expect((await cluster.tryKubectl(['get', 'secrets', '--as=jane'])).code).toBe(1)
    const grow = await cluster.tryKubectl(['create', 'role', 'r', '--verb=get', '--resource=secrets', '--as=jane'])
    expect(grow.stderr).toContain('User "jane" cannot create resource "roles"')
  })

  test('works with a token of a service account, and not after the account is gone', async () => {
    await cluster.kubectl('create', 'serviceaccount', 'ci')
    await cluster.kubectl('create', 'rolebinding', 'ci', '--clusterrole=view', '--serviceaccount=default:ci')
    const token = (await cluster.kubectl('create', 'token', 'ci', '--duration=10m')).trim()
    expect(
      (await bare(`--token=${token}`, 'auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}')).stdout,
    ).toBe('system:serviceaccount:default:ci')
    expect((await bare(`--token=${token}`, 'get', 'pods')).code).toBe(0)
    expect((await bare(`--token=${token}`, 'get', 'secrets')).stderr).toContain(
      'is forbidden: User "system:serviceaccount:default:ci"',
    )
    await cluster.kubectl('delete', 'serviceaccount', 'ci')
    expect((await bare(`--token=${token}`, 'get', 'pods')).stderr).toBe(
      'error: You must be logged in to the server (Unauthorized)\n',
    )
    expect((await bare('--token=nonsense', 'get', 'pods')).code).toBe(1)
  })

  test('without credentials sees the version and nothing else', async () => {
    const get = async (path: string) => (await run('curl', ['-sk', `${layout().apiServer}${path}`])).stdout
    expect(await get('/version')).toContain('"gitVersion"')
    expect(await get('/readyz')).toBe('ok')
    expect(JSON.parse(await get('/api/v1/pods'))).toMatchObject({
      code: 403,
      message:
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
    })
  })
})

describe('pods', () => {
  test('of an account that is not there are refused', async () => {
    const overrides = JSON.stringify({ spec: { serviceAccountName: 'nobody' } })
    const { stderr } = await cluster.tryKubectl(['run', 'x', '--image=busybox', `--overrides=${overrides}`])
    expect(stderr).toBe(
      'Error from server (Forbidden): pods "x" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found\n',
    )
  })

  test('find token, certificate and namespace, unless they do not want them', async () => {
    const pod = (name: string, more: object) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ name: 'c', image: 'busybox', command: ['sleep', '1000'] }], ...more },
      })
    await cluster.apply(pod('with', {}))
    await cluster.apply(pod('without', { automountServiceAccountToken: false }))
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/with', 'pod/without', '--timeout=20s')
    const files = '/var/run/secrets/kubernetes.io/serviceaccount'
    expect(await cluster.inPod('with', 'ls', files)).toBe('ca.crt\nnamespace\ntoken\n')
    expect(await cluster.inPod('with', 'cat', `${files}/namespace`)).toBe('default')
    expect((await cluster.tryKubectl(['exec', 'without', '--', 'ls', files])).code).not.toBe(0)
    await cluster.kubectl('delete', 'pod', 'with', 'without', '--grace-period=0', '--force')
  })

  test('run operators that know nothing but what they were given', async () => {
    await cluster.apply(operator)
    const seen = () => cluster.kubectl('logs', 'operator')
    await eventually('the operator to watch', async () => (await seen()).includes('watching'))
    await cluster.kubectl('create', 'service', 'clusterip', 'seen', '--tcp=80')
    await eventually('the Service', async () => (await seen()).includes('service: ADDED seen'))
    expect(await seen()).toContain(
      'secrets: 403 secrets is forbidden: User "system:serviceaccount:default:operator" cannot list resource "secrets" in API group "" in the namespace "default"',
    )
  })

  test('of a namespace get its certificate again when somebody takes it away', async () => {
    const certificate = () =>
      cluster.tryKubectl(['get', 'configmap', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}'])
    const before = (await certificate()).stdout
    expect(before).toContain('BEGIN CERTIFICATE')
    await cluster.kubectl('delete', 'configmap', 'kube-root-ca.crt')
    await eventually('the certificate', async () => (await certificate()).stdout === before)
  })
})

test('an agent reads what its pods need and no more', async () => {
  const kubeconfig = `${layout().nodes[0]?.dir}/kubelet.kubeconfig`
  const agent = (...args: string[]) => run('kubectl', [`--kubeconfig=${kubeconfig}`, ...args], { timeoutMs: 20_000 })
  expect((await agent('-n', 'kube-system', 'get', 'configmap', 'coredns')).code).toBe(0)
  expect((await agent('-n', 'kube-system', 'get', 'secrets')).stderr).toContain('No Object name found')
  await cluster.kubectl('create', 'secret', 'generic', 'hidden', '--from-literal=a=b')
  expect((await agent('get', 'secret', 'hidden')).stderr).toContain(
    "no relationship found between node 'node-1' and this object",
  )
})

test('no part of the system was refused anything', async () => {
  const { logs } = layout()
  const pods = ['daemonset/kube-proxy', 'deployment/coredns'].map((pod) =>
    cluster.kubectl('-n', 'kube-system', 'logs', pod),
  )
  const texts = [
    ...['control-plane', 'node-1'].map((part) => readFileSync(`${logs}/${part}.log`, 'utf8')),
    ...(await Promise.all(pods)),
  ]
  const lines = texts.flatMap((text) => text.split('\n'))
  expect(lines.filter((line) => line.includes('is forbidden'))).toEqual([])
})

const operator = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: operator}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator}
rules:
- {apiGroups: [""], resources: [services], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}
subjects:
- {kind: ServiceAccount, name: operator}
---
apiVersion: v1
kind: Pod
metadata: {name: operator}
spec:
  serviceAccountName: operator
  terminationGracePeriodSeconds: 1
  containers:
  - name: operator
    image: busybox
    command: [/opt/fairway/scripts/node, /opt/fairway/test/cluster/operator.mjs]
`
