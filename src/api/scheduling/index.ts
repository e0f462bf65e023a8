/** The group scheduling.k8s.io, v1: how important pods are. Knows nothing of other groups' behaviour, of the store or of the server. */
import type { ResourceDefinition } from '../resource.ts'
import { priorityClassDefinition } from './priorityclass.ts'

export const schedulingDefinitions: readonly ResourceDefinition[] = [priorityClassDefinition]
