/**
 * endpointslice: keeps the EndpointSlices of every Service with a selector; what proxies and DNS read. It shares pod
 * predicates and matching with ../endpoints and knows nothing of who reads its result.
 *
 *   Services, Pods, Nodes → watchServices → Pacer → WorkQueue → reconcileSlices → few creates, updates, deletes
 */
export { startEndpointSliceController } from './controller.ts'
