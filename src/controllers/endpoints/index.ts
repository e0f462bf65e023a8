/**
 * endpoints: keeps the Endpoints object of every Service with a selector (deprecated since 1.33, still what many read).
 * It also owns what it shares with ../endpointslice: pod predicates, matching of pods and Services, trigger times. It
 * knows nothing of proxies and DNS, which read the result over the API.
 *
 *   Services, Pods → watchServices → Pacer → WorkQueue → reconcileEndpoints → one create or update
 */
export { startEndpointsController } from './controller.ts'
