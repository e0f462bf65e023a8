/**
 * PodExecOptions, PodAttachOptions and PodPortForwardOptions: from a client's query to the one a kubelet reads, and from
 * a client's headers to those that agree on a protocol. Pure.
 */
import { badRequest } from '../../api/machinery/status.ts'

export type StreamedSubresource = 'exec' | 'attach' | 'portforward'

export function isStreamed(subresource: string): subresource is StreamedSubresource {
  return subresource === 'exec' || subresource === 'attach' || subresource === 'portforward'
}

/** The same streams under the names a kubelet knows them by. */
const kubeletNames = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' } as const

/** Streams that a client's query asks for. */
export type WantedStreams = Readonly<Record<keyof typeof kubeletNames, boolean>>

export function wantedStreams(query: URLSearchParams): WantedStreams {
  const [stdin, stdout, stderr, tty] = ['stdin', 'stdout', 'stderr', 'tty'].map((name) => parseBool(query.get(name)))
  return { stdin: stdin === true, stdout: stdout === true, stderr: stderr === true, tty: tty === true }
}

/** As queries of options are read: there without a value is true. */
function parseBool(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

/** Throws 400. */
export function kubeletQuery(subresource: StreamedSubresource, query: URLSearchParams): URLSearchParams {
  const parameters = new URLSearchParams()
  if (subresource === 'portforward') {
    const ports = parsePorts(query)
    if (ports.length > 0) parameters.set('port', ports.join(','))
    return parameters
  }
  if (subresource === 'exec') for (const word of query.getAll('command')) parameters.append('command', word)
  const wanted = wantedStreams(query)
  for (const name of Object.keys(kubeletNames) as (keyof WantedStreams)[]) {
    if (wanted[name]) parameters.set(kubeletNames[name], '1')
  }
  parameters.sort()
  return parameters
}

function parsePorts(query: URLSearchParams): number[] {
  return query
    .getAll('ports')
    .flatMap((value) => value.split(','))
    .map((text) => {
      const parsing = `cannot convert to []int32: strconv.ParseUint: parsing ${JSON.stringify(text)}`
      if (!/^\d+$/.test(text)) throw badRequest(`${parsing}: invalid syntax`)
      if (Number(text) > 65535) throw badRequest(`${parsing}: value out of range`)
      return Number(text)
    })
}

type Headers = Readonly<Record<string, string>>

export const statusProtocol = 'v5.channel.k8s.io'

/** The client is connected whatever becomes of its request, and told by a Status. */
export function wantsStatus(subresource: StreamedSubresource, headers: Headers): boolean {
  const protocols = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return subresource !== 'portforward' && isWebSocket(headers) && protocols.includes(statusProtocol)
}

function isWebSocket(headers: Headers): boolean {
  return headers['upgrade']?.toLowerCase() === 'websocket' && headers['sec-websocket-key'] !== undefined
}

const relayedHeaders = [
  'connection',
  'upgrade',
  'x-stream-protocol-version',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'origin',
] as const

/** What an agent is told of a client's headers. Who offers v5 gets it, whatever else comes first. */
export function agentHeaders(subresource: StreamedSubresource, headers: Headers): Record<string, string> {
  const relayed: Record<string, string> = {}
  for (const name of relayedHeaders) if (headers[name] !== undefined) relayed[name] = headers[name]
  if (wantsStatus(subresource, headers)) relayed['sec-websocket-protocol'] = statusProtocol
  return relayed
}
