/**
 * How fast the API server answers, and with how much memory: wrk over TLS with connections kept alive, a ServiceAccount's
 * token, SQLite with durable writes. Each rate is the median of some rounds. Run: scripts/bench api
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type RequestOptions, request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { controlPlaneFlags } from '../src/cluster/settings.ts'
import type { Served } from './api/server.ts'
import { openWatchers } from './api/watchers.ts'
import { type Load, wrk } from './api/wrk.ts'
import { percentiles, print, pss } from './lib/report.ts'

const objects = 3000
const rounds = 3
const secondsPerRound = 4
const patches = 500
const watchers = 2000
const changes = 20

/** As client-go asks. */
const protobuf = 'application/vnd.kubernetes.protobuf,application/json'
const services = '/api/v1/namespaces/default/services'
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'

function service(name: string) {
  return {
    metadata: { name, labels: { app: name } },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  }
}

function slice(name: string) {
  return {
    metadata: { name, labels: { 'kubernetes.io/service-name': 'svc-0' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [1, 2, 3, 4, 5].map((n) => ({
      addresses: [`10.244.0.${n}`],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'node-1',
      targetRef: {
        kind: 'Pod',
        namespace: 'default',
        name: `web-${n}`,
        uid: `5d2a8ce0-1b8f-4d0f-9d3c-00000000000${n}`,
      },
    })),
  }
}

async function main(): Promise<void> {
  await warmUpWatchers()
  await measured(async (server) => {
    await fill(server)
    print('memory, 3,000 Services and 3,000 slices', `${memoryMb(server.process)} MB`)
    await rate(server, 'gets of a Service', { path: `${services}/svc-7` })
    await rate(server, `lists of ${objects} Services`, { path: '/api/v1/services' })
    print('memory after gets and lists', `${memoryMb(server.process)} MB`)
    await rate(server, 'the same lists in protobuf', { path: '/api/v1/services', accept: protobuf })
    print('merge patch, one at a time', percentiles(await patchTimes(server)))
    print(`a change to ${watchers} watchers`, percentiles(await watchTimes(server)))
  })
  await measured((server) => rate(server, 'creates of Services', { path: services, body: service('NAME') }))
  await measured((server) => rate(server, 'creates of slices', { path: slices, body: slice('NAME') }))
}

interface Server extends Served {
  readonly process: ChildProcess
  readonly agent: Agent
}

/** A server of its own, with nothing in it. */
async function measured(use: (server: Server) => Promise<void>): Promise<void> {
  const child = fork(join(import.meta.dirname, 'api/server.ts'), {
    execArgv: [...process.execArgv, ...controlPlaneFlags],
  })
  const [served] = (await once(child, 'message')) as [Served]
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false })
  try {
    await use({ ...served, process: child, agent })
  } finally {
    agent.destroy()
    child.disconnect()
    await once(child, 'exit')
  }
}

async function fill(server: Server): Promise<void> {
  for (let i = 0; i < objects; i++) {
    await call(server, 'POST', services, service(`svc-${i}`))
    await call(server, 'POST', slices, slice(`slice-${i}`))
  }
}

async function rate(server: Server, what: string, load: Load): Promise<void> {
  await wrk(server, load, 2)
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) rates.push(await wrk(server, load, secondsPerRound))
  print(what, `${Math.round(rates.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0)} /s`)
}

async function patchTimes(server: Server): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < patches; i++) {
    const started = performance.now()
    await call(server, 'PATCH', `${services}/svc-${i}`, { metadata: { labels: { patched: String(i) } } })
    times.push(performance.now() - started)
  }
  return times
}

/** This process's own code, on a server of no further use: what is timed later are servers that meet it cold. */
async function warmUpWatchers(): Promise<void> {
  await measured(async (server) => {
    await call(server, 'POST', slices, slice('slice-7'))
    await watchTimes(server)
  })
}

/** Of every change to every watcher. They watch from a version on, as after a list: no initial state is in the way. */
async function watchTimes(server: Server): Promise<number[]> {
  const mark = (marker: string) => call(server, 'PATCH', `${slices}/slice-7`, { metadata: { labels: { marker } } })
  const { resourceVersion } = (JSON.parse(await mark('none')) as { metadata: { resourceVersion: string } }).metadata
  const path = `${slices}?watch=true&resourceVersion=${resourceVersion}`
  const all = await openWatchers(optionsOf(server, 'GET', path), watchers)
  const times: number[] = []
  for (let i = 0; i < changes; i++) {
    const arrivals = all.arrivals(`change-${i}-`)
    await mark(`change-${i}-x`)
    times.push(...(await arrivals))
  }
  all.close()
  return times
}

function optionsOf({ port, token, agent }: Server, method: string, path: string): RequestOptions {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const headers = { authorization: `Bearer ${token}`, 'content-type': type }
  return { agent, host: '127.0.0.1', port, method, path, headers, rejectUnauthorized: false }
}

/** The answer's body. */
function call(server: Server, method: string, path: string, body: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(optionsOf(server, method, path), (incoming) => {
      const { statusCode = 500 } = incoming
      if (statusCode < 300) text(incoming).then(resolve, reject)
      else reject(new Error(`${method} ${path}: ${statusCode}`))
    })
    outgoing.on('error', reject)
    outgoing.end(JSON.stringify(body))
  })
}

function memoryMb({ pid = 0 }: ChildProcess): string {
  return (pss(pid).total / 1000).toFixed(0)
}

await main()
