/** The group policy, v1: how many pods may be missing. Knows nothing of other groups' behaviour, of the store or of the server. */
import type { ResourceDefinition } from '../resource.ts'
import { podDisruptionBudgetDefinition } from './poddisruptionbudget.ts'

export const policyDefinitions: readonly ResourceDefinition[] = [podDisruptionBudgetDefinition]
