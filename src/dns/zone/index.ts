/**
 * zone: the cluster's names. Objects come in as events, answers go out as records; pure, knows nothing of sockets,
 * caches or how the objects are watched.
 *
 *   Service, EndpointSlice, Namespace (, Pod) → Cluster ← lookup ← answerFromZone ← question
 */
export { answerFromZone, type ZoneAnswer, type ZoneOptions } from './answer.ts'
export { Cluster, type ClusterOptions } from './cluster.ts'
export { isWithin, zoneOf } from './names.ts'
