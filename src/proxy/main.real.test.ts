import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { runOk } from '../lib/exec.ts'
import type { ProgrammedService } from './serve/programmed.ts'
import { FakeApi } from './testing/fake-api.ts'
import { service, slice } from './testing/objects.ts'

const directory = mkdtempSync(join(tmpdir(), 'proxy-'))
const main = join(import.meta.dirname, 'main.ts')
const api = new FakeApi()
const running = new Set<ChildProcess>()

/** Starts the program and waits until it says that rules are in place. */
async function startProxy(config = 'config.conf'): Promise<ChildProcess> {
  const args = [main, `--config=${join(directory, config)}`, '--hostname-override=node-1']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  running.add(child)
  await new Promise<void>((resolve, reject) => {
    let output = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('rules are in place')) resolve()
    })
    child.on('exit', (code) => reject(new Error(`proxy ended with ${code}: ${output}`)))
  })
  return child
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  running.delete(child)
  child.kill(signal)
  await once(child, 'exit')
}

const rules = () => runOk('iptables-save', [])

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited 15 s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

beforeAll(async () => {
  if (!process.env['FAIRWAY_SANDBOX']) throw new Error('runs inside scripts/sandbox only')
  await api.start()
  api.put('services', service('demo/web', '10.96.0.10'))
  api.put('endpointslices', slice('demo/web', ['10.244.0.11']))
  writeFileSync(join(directory, 'kubeconfig'), api.kubeconfig())
  const config = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection:
  kubeconfig: ${join(directory, 'kubeconfig')}
clusterCIDR: 10.244.0.0/16
mode: ""
`
  writeFileSync(join(directory, 'config.conf'), config)
  writeFileSync(join(directory, 'bad.conf'), `${config}iptables:\n  masquerade: true\n`)
})
afterEach(async () => {
  for (const child of running) await stop(child, 'SIGKILL')
})
afterAll(() => {
  api.close()
  rmSync(directory, { recursive: true })
})

test('rules follow the API, outlive the proxy, are adopted by the next one and removed by --cleanup', async () => {
  const first = await startProxy()
  expect(await rules()).toMatch(/demo\/web:http cluster IP/)
  api.put('services', service('demo/more', '10.96.0.11'))
  api.put('endpointslices', slice('demo/more', ['10.244.0.12']))
  await eventually('rules of a new Service', async () => (await rules()).includes('demo/more:http -> 10.244.0.12'))
  await stop(first, 'SIGTERM')
  expect(await rules()).toMatch(/demo\/more:http/)

  api.remove('services', 'demo/more')
  await startProxy()
  const adopted = await rules()
  expect(adopted).not.toMatch(/demo\/more/)
  expect(adopted.match(/-A PREROUTING .*KUBE-SERVICES/g)).toHaveLength(1)
  for (const child of running) await stop(child, 'SIGKILL')
  await runOk(process.execPath, [main, '--cleanup'])
  // The guard of 127.0.0.1 stays, as route_localnet does: it may be kubelet's.
  expect(await rules()).not.toMatch(/KUBE-(?!FIREWALL)/)
})

test('health and metrics', async () => {
  await startProxy()
  await eventually('the endpoints to listen', async () => {
    const reached = (port: number) => fetch(`http://127.0.0.1:${port}/healthz`).then(Boolean, () => false)
    return (await reached(10256)) && (await reached(10249))
  })
  const health = await fetch('http://127.0.0.1:10256/healthz')
  expect([health.status, Object.keys((await health.json()) as object)]).toEqual([
    200,
    ['lastUpdated', 'currentTime', 'nodeEligible', 'healthy', 'status'],
  ])
  const metrics = await (await fetch('http://127.0.0.1:10249/metrics')).text()
  expect(metrics).toMatch(/^kubeproxy_sync_full_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} 1$/m)
  expect(metrics).toMatch(/^kubeproxy_sync_proxy_rules_iptables_total\{ip_family="IPv4",table="nat"\} \d+$/m)
  expect(await (await fetch('http://127.0.0.1:10249/proxyMode')).text()).toBe('iptables')
})

test('a health-check node port tells whether a pod is ready here', async () => {
  await startProxy()
  const local = (ip: string, nodeName: string) => ({ addresses: [ip], nodeName, conditions: { ready: true } })
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 32100 }
  api.put('services', service('demo/lb', '10.96.0.20', spec))
  api.put('endpointslices', slice('demo/lb', [local('10.244.0.12', 'node-1'), local('10.244.1.12', 'node-2')]))
  const ask = () =>
    fetch('http://127.0.0.1:32100/').then(
      async (r) => ({
        status: r.status,
        weight: r.headers.get('x-load-balancing-endpoint-weight'),
        type: r.headers.get('content-type'),
        nosniff: r.headers.get('x-content-type-options'),
        body: await r.json(),
      }),
      () => undefined,
    )
  await eventually('the health check to answer 200', async () => (await ask())?.status === 200)
  expect(await ask()).toEqual({
    status: 200,
    weight: '1',
    type: 'application/json',
    nosniff: 'nosniff',
    body: { service: { namespace: 'demo', name: 'lb' }, localEndpoints: 1, serviceProxyHealthy: true },
  })
  api.put('endpointslices', slice('demo/lb', [local('10.244.1.12', 'node-2')]))
  await eventually('the health check to answer 503', async () => (await ask())?.status === 503)
  expect(await ask()).toMatchObject({ weight: '0', body: { localEndpoints: 0 } })
  expect(await rules()).toMatch(/KUBE-NODEPORTS .*demo\/lb:http health check node port.* --dport 32100 -j ACCEPT/)
  api.put('services', service('demo/lb', '10.96.0.20', { ...spec, healthCheckNodePort: 32101 }))
  await eventually('the former port to close', async () => (await ask()) === undefined)
  api.remove('services', 'demo/lb')
})

test('revisions in the kernel are told by Service', async () => {
  await startProxy()
  const ask = (name: string) =>
    fetch(`http://127.0.0.1:10256/fairway/services/${name}`).then(
      async (r) => ({ status: r.status, body: (await r.json()) as ProgrammedService }),
      () => undefined,
    )
  await eventually('the endpoint to answer', async () => (await ask('demo/web'))?.status === 200)
  const revision = async () => {
    const [port] = (await ask('demo/web'))?.body.ports ?? []
    return port && `${port.resourceVersion} ${port.endpointSlices['web-a']} ${port.endpoints}`
  }
  const before = await revision()
  expect(before).toMatch(/^\d+ \d+ 1$/)
  api.put('endpointslices', slice('demo/web', ['10.244.0.11', '10.244.0.12']))
  await eventually('the new revision', async () => {
    const now = await revision()
    return now !== before && now?.endsWith(' 2') === true
  })
  const latencyMs = (await ask('demo/web'))?.body.ports[0]?.latencyMs ?? -1
  expect(latencyMs).toBeGreaterThan(0)
  expect(latencyMs).toBeLessThan(5000)
  expect((await ask('demo/nothing'))?.status).toBe(404)
})

test('an unknown field ends it with its name', async () => {
  await expect(startProxy('bad.conf')).rejects.toThrow('strict decoding error: unknown field \\"iptables.masquerade\\"')
  running.clear()
})
