/** What a container may do, as its security context says and the kernel keeps. */
import { existsSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Container, Pod } from '../../api/generated/v1.ts'
import { type TestAgent, TestNode } from '../testing/node.ts'

let node: TestNode
let agent: TestAgent

beforeAll(async () => {
  node = await TestNode.prepare()
  agent = await node.startAgent()
})

afterAll(async () => {
  agent.stop()
  await node.remove()
})

type PodSecurity = NonNullable<Pod['spec']>['securityContext']

/** What `script` says, as the container itself and as a command run in it. */
async function said(
  script: string,
  own: Container['securityContext'],
  shared?: PodSecurity,
): Promise<[string, string]> {
  const command = ['sh', '-c', `(${script}; echo END) > /dev/termination-log 2>&1; sleep 1000`]
  const uid = node.createPod('one', { command, securityContext: own }, { securityContext: shared })
  await node.untilRunning('one')
  const run = (text: string) => agent.output(uid, text)
  await expect.poll(() => run('cat /dev/termination-log')).toContain('END\n')
  const itself = await run('cat /dev/termination-log')
  const result: [string, string] = [itself.replace('END\n', ''), await run(`(${script}) 2>&1`)]
  await node.deletePod('one')
  return result
}

const status = (...names: string[]) => `grep -E '^(${names.join('|')}):' /proc/self/status | tr '\\t\\n' ' ;'`

describe('a security context', () => {
  const runtimeDefault = { seccompProfile: { type: 'RuntimeDefault' } }
  const cases: [what: string, script: string, own: Container['securityContext'], PodSecurity | undefined, string][] = [
    ['without: no filter', status('NoNewPrivs', 'Seccomp'), {}, undefined, 'NoNewPrivs: 0;Seccomp: 0;'],
    [
      'RuntimeDefault: a filter',
      status('NoNewPrivs', 'Seccomp'),
      runtimeDefault,
      undefined,
      'NoNewPrivs: 0;Seccomp: 2;',
    ],
    ['RuntimeDefault of the pod', status('Seccomp'), {}, runtimeDefault, 'Seccomp: 2;'],
    [
      'the container may be unconfined',
      status('Seccomp'),
      { seccompProfile: { type: 'Unconfined' } },
      runtimeDefault,
      'Seccomp: 0;',
    ],
    ['privileged: no filter', status('Seccomp'), { ...runtimeDefault, privileged: true }, undefined, 'Seccomp: 0;'],
    [
      'what a filter refuses',
      'unshare -U true 2>&1 | grep -o "Operation not permitted"',
      runtimeDefault,
      undefined,
      'Operation not permitted\n',
    ],
    [
      'a user of the image, with its group and home',
      'id -u; id -g; id -G; cd; pwd',
      { runAsUser: 33 },
      { supplementalGroups: [2000] },
      '33\n33\n33 2000\n/var/www\n',
    ],
    ['a number nobody has', 'id -u; id -g; id -G; echo $HOME', { runAsUser: 70000 }, undefined, '70000\n0\n0\n/\n'],
    [
      'a read-only root file system, /tmp and all',
      'for d in / /etc /root /tmp /run /usr/share; do touch $d/x 2>/dev/null && echo $d; done; touch /dev/shm/x && echo but',
      { readOnlyRootFilesystem: true },
      undefined,
      'but\n',
    ],
    [
      'the restricted profile',
      status('Uid', 'CapBnd', 'CapEff', 'NoNewPrivs', 'Seccomp'),
      { ...runtimeDefault, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsUser: 1000 },
      { runAsNonRoot: true },
      'Uid: 1000 1000 1000 1000;CapEff: 0000000000000000;CapBnd: 0000000000000000;NoNewPrivs: 1;Seccomp: 2;',
    ],
  ]
  test.each(cases)('%s', async (_, script, own, shared, expected) => {
    expect(await said(script, own, shared)).toEqual([expected, expected])
  })
})

test('the status tells what the container was given', async () => {
  const resources = { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '250m', memory: '64Mi' } }
  const mounts = [
    { name: 'v', mountPath: '/v', readOnly: true },
    { name: 'v', mountPath: '/w' },
  ]
  const container = { command: ['sleep', '1000'], resources, volumeMounts: mounts }
  const spec = { volumes: [{ name: 'v', emptyDir: {} }], securityContext: { runAsUser: 33, fsGroup: 2000 } }
  node.createPod('told', container, spec)
  const { status } = await node.untilRunning('told')
  expect(status?.containerStatuses?.[0]).toMatchObject({
    allocatedResources: resources.requests,
    resources,
    user: { linux: { uid: 33, gid: 33, supplementalGroups: [33, 2000] } },
    volumeMounts: [{ ...mounts[0], recursiveReadOnly: 'Disabled' }, mounts[1]],
  })
  await node.deletePod('told')
})

test('a read-only root file system has its volumes, also below what is read-only', async () => {
  const mountPaths = ['/tmp', '/run/app', '/usr/share/nginx/html/sub']
  const spec = { volumes: [{ name: 'v', emptyDir: {} }] }
  const uid = node.createPod(
    'nginx',
    {
      image: 'nginx',
      command: ['sleep', '1000'],
      securityContext: { readOnlyRootFilesystem: true },
      volumeMounts: mountPaths.map((mountPath) => ({ name: 'v', mountPath })),
    },
    spec,
  )
  await node.untilRunning('nginx')
  const script = `for d in ${mountPaths.join(' ')} /run /usr/share/nginx/html; do touch $d/x 2>/dev/null && echo $d; done`
  expect((await agent.output(uid, script)).trim().split('\n')).toEqual(mountPaths)
  await node.deletePod('nginx')
})

test('a container sees the control groups that hold it, and no others', async () => {
  const resources = { limits: { memory: '64Mi' } }
  const uid = node.createPod('limited', { command: ['sleep', '1000'], resources })
  await node.untilRunning('limited')
  const script =
    'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; grep -c fairway /proc/self/cgroup; touch /sys/fs/cgroup/memory/x /sys/fs/cgroup/x 2>/dev/null || echo no'
  expect(await agent.output(uid, script)).toBe('67108864\n0\nno\n')
  agent.runtime.signal(uid, 'main', 'SIGKILL')
  await node.api.until('its restart', () => node.pod('limited')?.status?.containerStatuses?.[0]?.restartCount === 1)
  await node.untilRunning('limited')
  const [pod] = ['memory/', '']
    .map((hierarchy) => `/sys/fs/cgroup/${hierarchy}fairway/fw-test/pod${uid}`)
    .filter(existsSync)
  const groups = readdirSync(pod ?? '', { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(
    groups.map(({ name }) => name),
    "the last run's has gone",
  ).toEqual(['main-1'])
  expect(await agent.output(uid, script)).toBe('67108864\n0\nno\n')
  await node.deletePod('limited')
})
