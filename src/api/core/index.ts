/** The core group, v1: pods, Services and what they stand on. Knows nothing of other groups' behaviour, of the store or of the server. */
import type { ResourceDefinition } from '../resource.ts'
import { componentStatusDefinition } from './componentstatus/index.ts'
import { configMapDefinition } from './configmap/index.ts'
import { endpointsDefinition } from './endpoints/index.ts'
import { eventDefinition } from './event/index.ts'
import { limitRangeDefinition } from './limitrange/index.ts'
import { namespaceDefinition } from './namespace/index.ts'
import { nodeDefinition } from './node/index.ts'
import { persistentVolumeDefinition } from './persistentvolume/index.ts'
import { persistentVolumeClaimDefinition } from './persistentvolumeclaim/index.ts'
import { podDefinition } from './pod/index.ts'
import { podTemplateDefinition } from './podtemplate/index.ts'
import { replicationControllerDefinition } from './replicationcontroller/index.ts'
import { resourceQuotaDefinition } from './resourcequota/index.ts'
import { secretDefinition } from './secret/index.ts'
import { serviceDefinition } from './service/index.ts'
import { serviceAccountDefinition } from './serviceaccount/index.ts'

export const coreDefinitions: readonly ResourceDefinition[] = [
  componentStatusDefinition,
  namespaceDefinition,
  nodeDefinition,
  podDefinition,
  podTemplateDefinition,
  resourceQuotaDefinition,
  limitRangeDefinition,
  persistentVolumeDefinition,
  persistentVolumeClaimDefinition,
  replicationControllerDefinition,
  serviceDefinition,
  endpointsDefinition,
  configMapDefinition,
  secretDefinition,
  serviceAccountDefinition,
  eventDefinition,
]
