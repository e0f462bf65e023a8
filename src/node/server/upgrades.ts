/** Requests that take their connection over: exec, attach and port-forward, checked as the kubelet checks them. */
import type { IncomingMessage } from 'node:http'
import type { Refusal } from './access.ts'
import type { ServerOptions } from './server.ts'
import { acceptCommand, type CommandOptions, parseCommandOptions } from './streams/command.ts'
import { refuse, type Upgrade } from './streams/upgrade.ts'
import { findPod, findTarget } from './targets.ts'

/** `refusal` says whether the sender may, as for every other request. */
export async function serveUpgrade(
  options: ServerOptions,
  upgrade: Upgrade,
  refusal: (request: IncomingMessage) => Promise<Refusal | undefined>,
): Promise<void> {
  try {
    const refused = await refusal(upgrade.request)
    if (refused) return refuse(upgrade.socket, refused.code, refused.text)
    await route(options, upgrade)
  } catch (error) {
    options.log.warn({ err: error }, 'a stream could not be opened')
    refuse(upgrade.socket, 500, `${(error as Error).message}\n`)
  }
}

async function route(options: ServerOptions, upgrade: Upgrade): Promise<void> {
  const url = new URL(upgrade.request.url ?? '/', 'https://node')
  const [, first, ...rest] = url.pathname.split('/').map(decodeURIComponent)
  switch (first) {
    case 'exec':
    case 'attach':
      return serveCommand(options, upgrade, { kind: first, path: rest, parameters: url.searchParams })
    case 'portForward':
      return servePorts(options, upgrade, rest, url.searchParams)
    default:
      return refuse(upgrade.socket, 404, '404 page not found\n')
  }
}

interface CommandRequest {
  readonly kind: 'exec' | 'attach'
  readonly path: readonly string[]
  readonly parameters: URLSearchParams
}

async function serveCommand(options: ServerOptions, upgrade: Upgrade, request: CommandRequest): Promise<void> {
  const { runtime, streams: pods } = options
  const { kind, path, parameters } = request
  const asked = tryParse(() => parseCommandOptions(parameters))
  if (typeof asked === 'string') return refuse(upgrade.socket, 400, asked)
  if (!findPod(options.pods, path)) return refuse(upgrade.socket, 404, 'pod does not exist')
  const target = findTarget(options.pods, path)
  if (!target || runtime.observe(target.uid).containers.get(target.container)?.current.pid === undefined) {
    return refuse(upgrade.socket, 500, missingContainer(kind, path))
  }
  if (kind === 'exec') {
    const { serveExec } = await import('./exec.ts')
    const command = parameters.getAll('command')
    acceptCommand(upgrade, asked, (streams) => serveExec(runtime, { target, command, options: asked }, streams))
  } else {
    const { serveAttach } = await import('./attach.ts')
    // Whether there is a terminal was decided when the container was started.
    const own: CommandOptions = { ...asked, tty: asked.tty && target.tty }
    acceptCommand(upgrade, own, (streams) => serveAttach(pods, { target, options: own }, streams))
  }
}

function missingContainer(kind: 'exec' | 'attach', [namespace, pod, container]: readonly string[]): string {
  return kind === 'exec'
    ? `container not found (${JSON.stringify(container)})\n`
    : `container ${container} not found in pod ${pod}_${namespace}\n`
}

async function servePorts(
  options: ServerOptions,
  upgrade: Upgrade,
  path: readonly string[],
  parameters: URLSearchParams,
): Promise<void> {
  const { acceptPortForward, parsePorts } = await import('./port-forward.ts')
  const ports = tryParse(() => parsePorts(upgrade, parameters))
  if (typeof ports === 'string') return refuse(upgrade.socket, 400, ports)
  const pod = findPod(options.pods, path)
  if (!pod) return refuse(upgrade.socket, 404, 'pod does not exist')
  if (!options.runtime.observe(pod.uid).sandbox) {
    return refuse(upgrade.socket, 500, `pod not found (${JSON.stringify(`${pod.pod.metadata.name}_${path[0]}`)})\n`)
  }
  acceptPortForward(upgrade, ports, { pods: options.streams, uid: pod.uid })
}

/** What `parse` throws is a message for the client. */
function tryParse<T>(parse: () => T): T | string {
  try {
    return parse()
  } catch (error) {
    return `${(error as Error).message}\n`
  }
}
