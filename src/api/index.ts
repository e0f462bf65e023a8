/**
 * api: what the objects are. Types, defaults, validation, update rules, printed columns. Pure data and functions; knows
 * no I/O, no store and no server. `generated/` holds the types, `machinery/` what every kind of any API would need,
 * `common/` what several of these kinds share, `resource.ts` the contract of a declaration, and each API group has a
 * folder that declares its kinds.
 *
 *   bytes ── machinery/body ──▶ object        object + patch ── machinery/patch ──▶ object
 */
import { appsDefinitions } from './apps/index.ts'
import { authenticationDefinitions } from './authentication/index.ts'
import { authorizationDefinitions } from './authorization/index.ts'
import { autoscalingDefinitions } from './autoscaling/index.ts'
import { batchDefinitions } from './batch/index.ts'
import { coordinationDefinitions } from './coordination/index.ts'
import { coreDefinitions } from './core/index.ts'
import { discoveryDefinitions } from './discovery/index.ts'
import { eventsDefinitions } from './events/index.ts'
import { networkingDefinitions } from './networking/index.ts'
import { nodeDefinitions } from './node/index.ts'
import { policyDefinitions } from './policy/index.ts'
import { rbacDefinitions } from './rbac/index.ts'
import type { ResourceDefinition } from './resource.ts'
import { schedulingDefinitions } from './scheduling/index.ts'
import { storageDefinitions } from './storage/index.ts'

/** Every resource served, in the order discovery lists them. */
export const definitions: readonly ResourceDefinition[] = [
  ...coreDefinitions,
  ...appsDefinitions,
  ...eventsDefinitions,
  ...autoscalingDefinitions,
  ...batchDefinitions,
  ...coordinationDefinitions,
  ...discoveryDefinitions,
  ...networkingDefinitions,
  ...nodeDefinitions,
  ...policyDefinitions,
  ...rbacDefinitions,
  ...authenticationDefinitions,
  ...authorizationDefinitions,
  ...schedulingDefinitions,
  ...storageDefinitions,
]
