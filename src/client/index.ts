/**
 * client: how every room reaches an API server, Fairway's or any Kubernetes: typed requests, informers, work queues,
 * events. It knows the API's shapes (api/) and nothing of who uses it.
 *
 *   Transport (TLS or in process) → Client → Informer (list + watch + cache) → handlers → WorkQueue → reconcile
 */
export { Client, type ClientOptions, collectionPath, objectPath } from './client.ts'
export type * from './contract.ts'
export { EventRecorder, type EventRecorderOptions } from './events.ts'
export { type ConnectionConfig, httpsTransport } from './https.ts'
export { Informer, type InformerOptions } from './informer.ts'
export { KubeconfigError, loadKubeconfig } from './kubeconfig.ts'
export { WorkQueue, type WorkQueueOptions } from './queue.ts'
export { resources } from './resources.ts'
export { type ApiRequest, type ApiResponse, type Transport, TransportError } from './transport.ts'
