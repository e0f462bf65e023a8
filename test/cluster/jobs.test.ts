/** Jobs and CronJobs with the real kubectl: what a user types, and what the pods come to. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, startCluster, type TestCluster, words } from '../harness.ts'

let cluster: TestCluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.down())

const job = (name: string, spec: string, script: string) =>
  cluster.apply(`
apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec:
${spec
  .trim()
  .split('\n')
  .map((line) => `  ${line.trimEnd()}`)
  .join('\n')}
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers: [{name: c, image: busybox, command: [sh, -c, ${JSON.stringify(script)}]}]
`)
const becomes = (condition: string, name: string) =>
  cluster.kubectl('wait', `--for=condition=${condition}`, `job/${name}`, '--timeout=30s')
const status = (name: string, path: string) => cluster.kubectl('get', 'job', name, '-o', `jsonpath={.status${path}}`)
const pods = async (name: string) =>
  words(await cluster.kubectl('get', 'pods', '-l', `job-name=${name}`, '-o', 'name')).sort()

test('kubectl create job runs a command once', async () => {
  await cluster.kubectl('create', 'job', 'once', '--image=busybox', '--', 'echo', 'done')
  await becomes('complete', 'once')
  expect(await cluster.kubectl('logs', 'job/once')).toBe('done\n')
  expect(await cluster.kubectl('get', 'jobs', 'once', '--no-headers')).toMatch(/^once +Complete +1\/1 +\d+s +\d+s\n$/)
  const described = () => cluster.kubectl('describe', 'job', 'once')
  expect(await described()).toMatch(/Pods Statuses: +0 Active \(0 Ready\) \/ 1 Succeeded \/ 0 Failed/)
  await eventually('its Event', async () =>
    /Normal +Completed +\S+ +job-controller +Job completed/.test(await described()),
  )
})

test('the pods of an indexed Job know their index and have its name', async () => {
  await job(
    'indexed',
    'completions: 3\nparallelism: 2\ncompletionMode: Indexed',
    'echo $JOB_COMPLETION_INDEX $(hostname)',
  )
  await becomes('complete', 'indexed')
  expect(await status('indexed', '.completedIndexes')).toBe('0-2')
  const logs = await cluster.kubectl('logs', '-l', 'job-name=indexed')
  expect(logs.trim().split('\n').sort()).toEqual(['0 indexed-0', '1 indexed-1', '2 indexed-2'])
})

describe('a Job that fails', () => {
  test('says so when its limit is reached', async () => {
    await job('failing', 'backoffLimit: 0', 'exit 3')
    await becomes('failed', 'failing')
    expect(await status('failing', '.conditions[?(@.type=="Failed")].reason')).toBe('BackoffLimitExceeded')
    expect(await status('failing', '.failed')).toBe('1')
  })

  test('ends at once for an exit code of its policy', async () => {
    const policy = 'podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [42]}}]}'
    await job('policy', `backoffLimit: 5\n${policy}`, 'exit 42')
    await becomes('failed', 'policy')
    expect(await status('policy', '.conditions[?(@.type=="Failed")].message')).toMatch(
      /^Container c for pod default\/policy-\S+ failed with exit code 42 matching FailJob rule at index 0$/,
    )
  })

  test('is stopped at its deadline', async () => {
    await job('late', 'activeDeadlineSeconds: 1', 'sleep 600')
    await becomes('failed', 'late')
    expect(await status('late', '.conditions[?(@.type=="Failed")].reason')).toBe('DeadlineExceeded')
    await eventually('its pod is gone', async () => (await pods('late')).length === 0)
  })
})

test('a suspended Job waits', async () => {
  await job('waiting', 'suspend: true', 'exit 0')
  await becomes('suspended', 'waiting')
  expect(await pods('waiting')).toEqual([])
  await cluster.kubectl('patch', 'job', 'waiting', '-p', '{"spec":{"suspend":false}}')
  await becomes('complete', 'waiting')
})

test('a Job goes after its time, and its pods with it', async () => {
  await job('brief', 'ttlSecondsAfterFinished: 1', 'exit 0')
  await cluster.kubectl('wait', '--for=delete', 'job/brief', '--timeout=20s')
  expect(await pods('brief')).toEqual([])
})

test('a deleted Job takes its pods along, or leaves them', async () => {
  await job('parent', 'parallelism: 2', 'sleep 600')
  await eventually('two pods', async () => (await pods('parent')).length === 2)
  await cluster.kubectl('delete', 'job', 'parent', '--cascade=orphan')
  const left = await cluster.kubectl('get', 'pods', '-l', 'job-name=parent', '-o', 'jsonpath={.items[*].metadata.name}')
  expect(words(left)).toHaveLength(2)
  await cluster.kubectl('delete', 'pods', '-l', 'job-name=parent', '--timeout=20s')
  await cluster.kubectl('delete', 'job', 'indexed')
  await eventually('its pods are gone', async () => (await pods('indexed')).length === 0)
})

describe('a CronJob', () => {
  test('is made with kubectl, and lends its template to a Job', async () => {
    await cluster.kubectl('create', 'cronjob', 'tick', '--image=busybox', '--schedule=0 0 1 1 *', '--', 'echo', 'tick')
    await cluster.kubectl('create', 'job', 'manual', '--from=cronjob/tick')
    await becomes('complete', 'manual')
    expect(await cluster.kubectl('get', 'cronjob', 'tick', '--no-headers')).toMatch(
      /^tick +0 0 1 1 \* +<none> +False +0 +<none> +\d+s\n$/,
    )
  })

  test('makes Jobs at its times', async () => {
    await cluster.kubectl('patch', 'cronjob', 'tick', '-p', '{"spec":{"schedule":"@every 1s"}}')
    const done = 'jsonpath={.status.lastSuccessfulTime}'
    await eventually('a Job of it has succeeded', () => cluster.kubectl('get', 'cronjob', 'tick', '-o', done))
    await cluster.kubectl('delete', 'cronjob', 'tick')
  })

  test('is refused without a schedule that makes sense', async () => {
    const args = ['create', 'cronjob', 'never', '--image=busybox', '--schedule=often']
    const { code, stderr } = await cluster.tryKubectl(args)
    expect(code).toBe(1)
    expect(stderr).toBe(
      'error: failed to create cronjob: CronJob.batch "never" is invalid: spec.schedule: Invalid value: "often": expected exactly 5 fields, found 1: [often]\n',
    )
  })
})
