/** The group storage.k8s.io, v1: classes of storage. Knows nothing of other groups' behaviour, of the store or of the server. */
import type { ResourceDefinition } from '../resource.ts'
import { storageClassDefinition } from './storageclass.ts'

export const storageDefinitions: readonly ResourceDefinition[] = [storageClassDefinition]
