/** Runs one probe once, from the node. The messages are the kubelet's. */
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import type { Container, HTTPGetAction, Probe } from '../../api/generated/v1.ts'

export interface ProbeOutcome {
  readonly ok: boolean
  /** What the Event says after `… probe failed: `. */
  readonly message: string
}

export interface ProbeTarget {
  readonly podIP: string
  readonly container: Container
  /** Runs a command in the container. */
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<{ code: number; output: string }>
}

export async function runProbe(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  if (probe.httpGet) return probeHttp(probe.httpGet, target, timeoutMs)
  if (probe.tcpSocket) {
    const port = portNumber(probe.tcpSocket.port, target.container)
    return probeTcp(probe.tcpSocket.host || target.podIP, port, timeoutMs)
  }
  if (probe.exec) return probeExec(probe.exec.command ?? [], target, timeoutMs)
  return { ok: false, message: 'missing probe handler' }
}

/** A named port is one of the container's own. */
function portNumber(port: number | string, { ports }: Container): number {
  if (typeof port === 'number') return port
  return ports?.find(({ name }) => name === port)?.containerPort ?? Number(port)
}

async function probeHttp(action: HTTPGetAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const secure = action.scheme === 'HTTPS'
  const host = action.host || target.podIP
  const port = portNumber(action.port, target.container)
  const path = action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`
  const url = `${secure ? 'https' : 'http'}://${hostPort(host, port)}${path}`
  const request = secure ? (await import('node:https')).request : httpRequest
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.36', Accept: '*/*', Connection: 'close' }
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value
  return new Promise((resolve) => {
    const outgoing = request(
      { host, port, path, headers, agent: false, rejectUnauthorized: false, signal: AbortSignal.timeout(timeoutMs) },
      (response) => {
        response.resume()
        const status = response.statusCode ?? 0
        const ok = status >= 200 && status < 400
        resolve({ ok, message: ok ? '' : `HTTP probe failed with statuscode: ${status}` })
      },
    )
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, message: `Get "${url}": ${dialError(error, host, port)}` }),
    )
    outgoing.end()
  })
}

function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const done = (outcome: ProbeOutcome) => {
      socket.destroy()
      resolve(outcome)
    }
    socket.on('connect', () => done({ ok: true, message: '' }))
    socket.on('timeout', () => done({ ok: false, message: `dial tcp ${hostPort(host, port)}: i/o timeout` }))
    socket.on('error', (error) => done({ ok: false, message: dialError(error, host, port) }))
  })
}

function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function dialError(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') {
    return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  }
  if (error.code === 'ECONNREFUSED') return `dial tcp ${hostPort(host, port)}: connect: connection refused`
  if (error.code === 'EHOSTUNREACH') return `dial tcp ${hostPort(host, port)}: connect: no route to host`
  if (error.code === 'ECONNRESET') return `read tcp ${hostPort(host, port)}: read: connection reset by peer`
  return error.message
}

async function probeExec(command: readonly string[], target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const { code, output } = await target.exec(command, timeoutMs)
  if (code === 137) return { ok: false, message: `command timed out: ${JSON.stringify(command)}` }
  return { ok: code === 0, message: output }
}
