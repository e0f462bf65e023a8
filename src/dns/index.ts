/**
 * dns: cluster DNS, in place of CoreDNS, against any Kubernetes API server. It reads Services, EndpointSlices and
 * Namespaces over the API and knows nothing of who writes them.
 *
 *   API → kubernetes.ts → zone ─┐
 *   sockets (server.ts) → responder → chain ─┬─ hosts, zone
 *                                            └─ forward (cache, other resolvers)
 */
export { Program, type ProgramOptions } from './program.ts'
