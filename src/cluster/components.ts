/** The parts of the control plane as clients of its server, each under its own name (docs/architecture.md, Identities). */
import { type ApiServer, inProcessTransport } from '../apiserver/index.ts'
import { Client } from '../client/client.ts'
import type { ControllerIdentity } from '../controllers/index.ts'

export interface ControlPlaneClients {
  /** The API server's own, which may do everything. */
  readonly apiserver: Client
  /** What all controllers read with. */
  readonly controllerManager: Client
  readonly of: (identity: ControllerIdentity) => Client
}

export function controlPlaneClients(server: Pick<ApiServer, 'handle'>): ControlPlaneClients {
  const apiserver = componentClient(server, {
    name: 'system:apiserver',
    program: 'kube-apiserver',
    groups: ['system:masters'],
  })
  const program = 'kube-controller-manager'
  return {
    apiserver,
    controllerManager: componentClient(server, { name: `system:${program}`, program }),
    of: (identity) => (identity === 'apiserver' ? apiserver : controllerClient(server, identity)),
  }
}

function controllerClient(server: Pick<ApiServer, 'handle'>, identity: ControllerIdentity): Client {
  if (identity === 'kube-scheduler') return componentClient(server, { name: `system:${identity}`, program: identity })
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system']
  const name = `system:serviceaccount:kube-system:${identity}`
  return componentClient(server, { name, program: 'kube-controller-manager', groups })
}

/** `program` is who managedFields tell of. */
function componentClient(
  server: Pick<ApiServer, 'handle'>,
  { name, program, groups = [] }: { name: string; program: string; groups?: readonly string[] },
): Client {
  const user = { name, groups: [...groups, 'system:authenticated'] }
  const userAgent = `${program}/v1.36.0 (fairway) ${name.replace(/^.*:/, '')}`
  return new Client({ transport: inProcessTransport(server, user), userAgent })
}
