/** Reaching the agent of a node: where it listens, and with which certificate the server speaks to it. */

import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import type { Node, Pod } from '../../api/generated/v1.ts'
import { badRequest, internalError, StatusError } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import type { ServerContext } from '../context.ts'
import { readEntry } from '../read/index.ts'

/** The server's identity towards agents, and the authority that signed theirs. */
export interface AgentCredentials {
  readonly certPem: string
  readonly keyPem: string
  readonly caPem: string
}

export interface AgentAddress {
  readonly host: string
  readonly port: number
}

export class AgentDialer {
  readonly #credentials: AgentCredentials | undefined
  #agent: Agent | undefined

  constructor(credentials: AgentCredentials | undefined) {
    this.#credentials = credentials
  }

  /** A request to an agent; the caller ends it. */
  request(address: AgentAddress, options: RequestOptions): ClientRequest {
    if (!this.#credentials) throw internalError('the server has no credentials for agents')
    const { certPem, keyPem, caPem } = this.#credentials
    this.#agent ??= new Agent({ keepAlive: true, cert: certPem, key: keyPem, ca: caPem })
    const upgrade = options.headers && 'upgrade' in options.headers
    // An upgraded connection belongs to its tunnel, so it does not come from the pool.
    const connection = upgrade ? { agent: false, cert: certPem, key: keyPem, ca: caPem } : { agent: this.#agent }
    return httpsRequest({ ...address, ...connection, ...options })
  }

  async get(address: AgentAddress, path: string, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const call = this.request(address, { path, method: 'GET', ...(signal && { signal }) })
      call.on('response', resolve)
      call.on('error', (error) => reject(requestError(address, path, error)))
      call.end()
    })
  }

  close(): void {
    this.#agent?.destroy()
  }
}

/** As kube-apiserver words a failed request to a kubelet. */
function requestError(address: AgentAddress, path: string, error: Error): StatusError {
  const url = `https://${address.host}:${address.port}${path}`
  return new StatusError({ code: 500, message: `Get ${JSON.stringify(url)}: ${dialFailure(address, error)}` })
}

/** As kube-apiserver words it when there is no connection to a kubelet for a tunnel. */
export function dialError(address: AgentAddress, error: Error): StatusError {
  return new StatusError({ code: 500, message: `error dialing backend: ${dialFailure(address, error)}` })
}

/** As kube-apiserver's own client for streams words it. */
export function sendError(address: AgentAddress, path: string, error: Error): StatusError {
  const url = `https://${address.host}:${address.port}${path}`
  return internalError(`error sending request: Post ${JSON.stringify(url)}: ${dialFailure(address, error)}`)
}

const dialFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
}

/** In the words of Go's net packages, which users of Kubernetes know and search for. */
export function dialFailure({ host, port }: AgentAddress, error: NodeJS.ErrnoException): string {
  if (error.message.includes('wrong version number')) return 'http: server gave HTTP response to HTTPS client'
  if (error.message === 'socket hang up') return 'EOF'
  const failure = dialFailures[error.code ?? '']
  return failure ? `dial tcp ${host}:${port}: ${failure}` : error.message
}

export interface PodTarget {
  readonly pod: Pod
  readonly container: string
  /** undefined: the pod is not on a node yet. */
  readonly address: AgentAddress | undefined
}

/**
 * A request's pod and its node's agent; with `container` also the container, for '' the only one. Throws Kubernetes'
 * errors.
 */
export async function locatePod(
  context: ServerContext,
  at: Parameters<typeof readEntry>[1],
  container?: string,
): Promise<PodTarget> {
  const pod = (await readEntry(context, at)).object as Pod
  const name = container === undefined ? '' : chooseContainer(pod, container)
  const nodeName = pod.spec?.nodeName
  if (!nodeName) return { pod, container: name, address: undefined }
  return { pod, container: name, address: await agentAddress(context, nodeName) }
}

/** Where a node's agent listens. Throws 404 for no such node. */
export async function agentAddress(context: ServerContext, nodeName: string): Promise<AgentAddress> {
  const resource = context.registry.served(resources.nodes)
  const node = (await readEntry(context, { resource, namespace: '', name: nodeName })).object as Node
  const host = node.status?.addresses?.find((address) => address.type === 'InternalIP')?.address
  if (!host) throw internalError(`no preferred addresses found; known addresses: []`)
  return { host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250 }
}

function chooseContainer({ metadata, spec }: Pod, asked: string): string {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec ?? {}
  const names = [...initContainers, ...containers, ...ephemeralContainers].map(({ name }) => name)
  const podName = metadata?.name ?? ''
  if (asked) {
    if (names.includes(asked)) return asked
    throw badRequest(`container ${asked} is not valid for pod ${podName}`)
  }
  if (containers.length === 1 && containers[0]) return containers[0].name
  throw badRequest(`a container name must be specified for pod ${podName}, choose one of: [${names.join(' ')}]`)
}
