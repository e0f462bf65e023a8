/**
 * The group storage.k8s.io, v1: classes of storage, and what drivers of the Container Storage Interface tell of
 * themselves. Knows nothing of other groups' behaviour, of the store or of the server.
 */
import type { ResourceDefinition } from '../resource.ts'
import { csiDriverDefinition } from './csidriver.ts'
import { csiNodeDefinition } from './csinode.ts'
import { csiStorageCapacityDefinition } from './csistoragecapacity.ts'
import { storageClassDefinition } from './storageclass.ts'
import { volumeAttachmentDefinition } from './volumeattachment.ts'
import { volumeAttributesClassDefinition } from './volumeattributesclass.ts'

export const storageDefinitions: readonly ResourceDefinition[] = [
  csiDriverDefinition,
  csiNodeDefinition,
  csiStorageCapacityDefinition,
  storageClassDefinition,
  volumeAttachmentDefinition,
  volumeAttributesClassDefinition,
]
