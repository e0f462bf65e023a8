/**
 * apiserver: HTTP in front of the store. Everything generic follows from a resource's declaration; the only resource
 * this room knows by name is what Kubernetes itself treats apart (Services' addresses, pods' logs and sessions,
 * namespaces' end; roles and accounts). It must not know controllers, nodes, proxies, or which engine the store is.
 *
 *   socket ─ edge/ ─┐                                        ┌─ discovery/   fixed pages
 *   in process ─────┴─ server.ts ─ routing/ ─ access.ts ─────┤
 *                                                            └─ dispatch.ts ─┬─ read/  ◀── cache/ ◀── one store watch
 *                                                                            ├─ admission/ ─ write/ ──▶ store, with
 *                                                                            │               allocation/ in one transaction
 *                                                                            └─ subresources/, reviews.ts
 *
 * Who asks is found out at the edge (authentication/: certificates, tokens); access.ts says whether that one may
 * (authorization/), and as whom (impersonation).
 *
 * What goes out passes representation.ts: JSON becomes YAML or protobuf/ for clients that accept it.
 */

export { NodePortLedger } from './allocation/node-port-ledger.ts'
export { versionInfo } from './discovery/version.ts'
export { type Listener, type ListenOptions, listenHttps } from './edge/https.ts'
export { inProcessTransport } from './edge/in-process.ts'
export type { ApiHandler, UserInfo } from './handler.ts'
export { type ApiServer, type ApiServerOptions, type ConnectionUpgrade, createApiServer } from './server.ts'
export type { AgentCredentials } from './subresources/agent.ts'
