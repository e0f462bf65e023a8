/** The group batch, v1: work that ends (Job), and work that comes again (CronJob). Knows nothing of other groups' behaviour but pod templates. */
import type { ResourceDefinition } from '../resource.ts'
import { cronJobDefinition } from './cronjob/index.ts'
import { jobDefinition } from './job/index.ts'

export const batchDefinitions: readonly ResourceDefinition[] = [cronJobDefinition, jobDefinition]
