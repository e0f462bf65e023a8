/** Runs one probe once, from the node. The messages are the kubelet's. */
import { connect } from 'node:net'
import type { Container, HTTPGetAction, Probe } from '../../api/generated/v1.ts'
import { dialError, hostPort, portNumber, requestHttp } from './http.ts'

export interface ProbeOutcome {
  readonly ok: boolean
  /** What the Event says after `… probe failed: `. */
  readonly message: string
  /** Of a success that may be none, for an Event of its own. */
  readonly warning?: string
}

/** What the shim says of a program that is not there, with one of these exit codes. */
const notStarted = /^exec: "/
const notStartedCodes = [126, 127]

export interface ProbeTarget {
  readonly podIP: string
  readonly container: Container
  /** Runs a command in the container. */
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<{ code: number; output: string }>
}

/** Throws when it could not be made: that says nothing of the container. */
export async function runProbe(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  if (probe.httpGet) return probeHttp(probe.httpGet, target, timeoutMs)
  if (probe.tcpSocket) {
    const port = portNumber(probe.tcpSocket.port, target.container)
    return probeTcp(probe.tcpSocket.host || target.podIP, port, timeoutMs)
  }
  if (probe.exec) return probeExec(probe.exec.command ?? [], target, timeoutMs)
  if (probe.grpc) {
    const { probeGrpc } = await import('./grpc.ts')
    return probeGrpc({ host: target.podIP, port: probe.grpc.port, service: probe.grpc.service ?? '', timeoutMs })
  }
  return { ok: false, message: 'missing probe handler' }
}

async function probeHttp(action: HTTPGetAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const headers = { 'User-Agent': 'kube-probe/1.36' }
  const outcome = await requestHttp(action, { podIP: target.podIP, container: target.container, timeoutMs, headers })
  if ('error' in outcome) return { ok: false, message: outcome.error }
  if (outcome.broken !== undefined) throw new Error(outcome.broken)
  const ok = outcome.status >= 200 && outcome.status < 400
  if (outcome.redirect) {
    return { ok, message: '', warning: `Probe terminated redirects, Response body: ${outcome.body}` }
  }
  return { ok, message: ok ? '' : `HTTP probe failed with statuscode: ${outcome.status}` }
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

async function probeExec(command: readonly string[], target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const { code, output } = await target.exec(command, timeoutMs)
  if (code === 137) {
    return { ok: false, message: `command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s` }
  }
  if (notStartedCodes.includes(code) && notStarted.test(output)) throw new Error(output.trim())
  return { ok: code === 0, message: output }
}
