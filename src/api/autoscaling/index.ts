/**
 * The group autoscaling, v2 and v1: how many pods a workload should have by what they do. Stored and served; what acts on
 * it is an autoscaler of the user's. Knows nothing of other groups' behaviour, of the store or of the server.
 */
import type { ResourceDefinition } from '../resource.ts'
import { horizontalPodAutoscalerV1Definition } from './v1/index.ts'
import { horizontalPodAutoscalerDefinition } from './v2/index.ts'

export const autoscalingDefinitions: readonly ResourceDefinition[] = [
  horizontalPodAutoscalerDefinition,
  horizontalPodAutoscalerV1Definition,
]
