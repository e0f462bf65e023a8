/** The group apps, v1: the workloads that make pods from a template. Knows nothing of other groups' behaviour, of the store or of the server. */
import type { ResourceDefinition } from '../resource.ts'
import { controllerRevisionDefinition } from './controllerrevision/index.ts'
import { daemonSetDefinition } from './daemonset/index.ts'
import { deploymentDefinition } from './deployment/index.ts'
import { replicaSetDefinition } from './replicaset/index.ts'
import { statefulSetDefinition } from './statefulset/index.ts'

export const appsDefinitions: readonly ResourceDefinition[] = [
  deploymentDefinition,
  replicaSetDefinition,
  daemonSetDefinition,
  statefulSetDefinition,
  controllerRevisionDefinition,
]
