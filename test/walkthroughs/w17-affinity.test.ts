import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { eventually, example } from '../harness.ts'
import { loop, readyPods, startThreeNodes, type ThreeNodes, visits } from './three-nodes.ts'

let cluster: ThreeNodes
let ip = ''
beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.kubectl(
    'apply',
    '-f',
    example('web.yaml'),
    '-f',
    example('client.yaml'),
    '-f',
    example('affinity.yaml'),
  )
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', 'pod/client-2', '--timeout=30s')
  ip = await cluster.kubectl('get', 'svc', 'web', '-o', 'jsonpath={.spec.clusterIP}')
})
afterAll(() => cluster?.down())

/** The pods that this many calls of a client reach. */
async function reached(client: string, calls: number): Promise<string[]> {
  const seen = visits(await cluster.inPod(client, 'sh', '-c', loop(`http://${ip}`, calls)))
  expect(seen).toHaveLength(calls)
  return [...new Set(seen.map((one) => one?.pod ?? ''))]
}

const setAffinity = (spec: string) => cluster.kubectl('patch', 'svc', 'web', '-p', `{"spec":${spec}}`)

/** Once every node's rules carry (or no longer carry) the affinity with this timeout. */
async function programmed(seconds: number, expected: boolean): Promise<void> {
  const rule = `--rcheck --seconds ${seconds} --reap`
  for (const node of cluster.nodes.keys()) {
    await eventually(`${rule} ${expected ? '' : 'no longer '}on ${node}`, async () => {
      const rules = (await cluster.on(node, 'iptables-save', '-t', 'nat')).stdout
      return rules.split('\n').some((line) => line.includes('default/web') && line.includes(rule)) === expected
    })
  }
}

test('W17 by default the calls of one client spread', async () => {
  await eventually('three pods', async () => (await reached('client', 30)).length === 3)
})

test('W17 with ClientIP one client stays on one pod, for 10800 s', async () => {
  const editor = { KUBE_EDITOR: "sed -i 's/sessionAffinity: None/sessionAffinity: ClientIP/'" }
  const edited = await run('kubectl', ['edit', 'svc', 'web'], { env: editor })
  expect(edited).toMatchObject({ code: 0, stdout: 'service/web edited\n' })
  const stored = await cluster.kubectl('get', 'svc', 'web', '-o', 'jsonpath={.spec.sessionAffinityConfig}')
  expect(JSON.parse(stored)).toEqual({ clientIP: { timeoutSeconds: 10_800 } })
  await programmed(10_800, true)
  for (const client of ['client', 'client-2']) expect(await reached(client, 20)).toHaveLength(1)
  expect(await cluster.kubectl('describe', 'svc', 'web')).toMatch(/^Session Affinity: +ClientIP$/m)
})

/** That twenty clients all get the same of three pods happens once in a billion times. */
const sources = Array.from({ length: 20 }, (_, i) => `172.30.0.${210 + i}`)

/** The pods that a client of this address outside reaches. */
async function outside(source: string, calls: number): Promise<Set<string>> {
  const command = loop(`http://${[...cluster.nodes.values()][0]}:30017`, calls, `--interface ${source}`)
  const result = await cluster.outside('sh', '-c', command)
  return new Set(visits(result.stdout).map((one) => one?.pod ?? `${result.code} ${result.stderr}`))
}

test('W17 two clients may differ', async () => {
  await setAffinity('{"type":"NodePort","ports":[{"name":"http","port":80,"targetPort":"http","nodePort":30017}]}')
  for (const source of sources) await cluster.outside('ip', 'address', 'add', `${source}/24`, 'dev', 'eth0')
  await eventually('an answer', async () =>
    [...(await outside('172.30.0.200', 1))].every((pod) => pod.startsWith('web-')),
  )
  const chosen = new Set<string>()
  for (const source of sources) {
    const pods = await outside(source, 3)
    expect(pods.size).toBe(1)
    for (const pod of pods) chosen.add(pod)
    if (chosen.size > 1) break
  }
  expect(chosen.size).toBeGreaterThan(1)
})

test('W17 when the chosen pod goes away the client moves on', async () => {
  const [pod = ''] = await reached('client', 3)
  await cluster.kubectl('delete', 'pod', pod, '--wait=false')
  const [next = ''] = await eventually('another pod', async () => {
    const now = await reached('client', 3)
    return now.includes(pod) ? undefined : now
  })
  expect((await readyPods(cluster, 'app=web')).map(({ name }) => name)).toContain(next)
  expect(await reached('client', 10)).toEqual([next])
})

test('W17 with a timeout of its own the client is forgotten that much later', async () => {
  await setAffinity('{"sessionAffinityConfig":{"clientIP":{"timeoutSeconds":1}}}')
  await programmed(1, true)
  const chosen = async () => {
    const pods: string[] = []
    for (const source of sources) pods.push(...(await outside(source, 1)))
    return pods
  }
  const before = await chosen()
  // Longer than the timeout, and what the kernel's clock of whole ticks adds to it.
  await new Promise((resolve) => setTimeout(resolve, 2_200))
  expect(await chosen()).not.toEqual(before)
})

test('W17 back to None the calls spread again', async () => {
  await setAffinity('{"sessionAffinity":"None","sessionAffinityConfig":null}')
  await programmed(1, false)
  expect((await reached('client', 30)).length).toBeGreaterThan(1)
})

test('W17 a timeout that is no timeout is refused', async () => {
  const refused = await cluster.tryKubectl([
    'patch',
    'svc',
    'web',
    '-p',
    '{"spec":{"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":86401}}}}',
  ])
  expect(refused.stderr).toContain(
    'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
  )
})
