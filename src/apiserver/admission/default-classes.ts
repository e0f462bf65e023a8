/** DefaultIngressClass and DefaultStorageClass: who names no class gets the one that is marked as the default. */

import type { Ingress, IngressClass } from '../../api/generated/networking.k8s.io.v1.ts'
import type { StorageClass } from '../../api/generated/storage.k8s.io.v1.ts'
import type { PersistentVolumeClaim } from '../../api/generated/v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { classAnnotation } from '../../api/networking/ingress/validation.ts'
import { isDefaultAnnotation } from '../../api/networking/ingressclass.ts'
import { isDefaultClass } from '../../api/storage/storageclass.ts'
import type { Resource } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import type { ServerContext } from '../context.ts'
import type { AdmissionPlugin } from './plugin.ts'

/** A claim's class before there was a field for it. */
const claimClassAnnotation = 'volume.beta.kubernetes.io/storage-class'

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  resources: ['ingresses.networking.k8s.io'],
  async mutate(context, { operation, request, object }) {
    if (operation !== 'CREATE' || request.subresource !== '') return
    const { metadata, spec }: Ingress = object
    if (!spec || spec.ingressClassName !== undefined || metadata.annotations?.[classAnnotation] !== undefined) return
    const isDefault = (one: IngressClass) => one.metadata.annotations?.[isDefaultAnnotation] === 'true'
    const name = await defaultName(context, resources.ingressClasses, isDefault)
    if (name) spec.ingressClassName = name
  },
}

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  resources: ['persistentvolumeclaims'],
  async mutate(context, { operation, request, object }) {
    if (operation !== 'CREATE' || request.subresource !== '') return
    const { metadata, spec }: PersistentVolumeClaim = object
    // The empty class is one, too: that of volumes without.
    if (!spec || spec.storageClassName !== undefined || metadata.annotations?.[claimClassAnnotation] !== undefined)
      return
    const name = await defaultName(context, resources.storageClasses, (one: StorageClass) => isDefaultClass(one))
    if (name) spec.storageClassName = name
  },
}

/** Of several the youngest, and of those the first by name. */
async function defaultName<T extends KubeObject>(
  context: ServerContext,
  resource: Resource<T>,
  isDefault: (object: T) => boolean,
): Promise<string | undefined> {
  const cache = await context.objects.cache(resource)
  const found = cache.list('').flatMap(({ object }) => (isDefault(object as T) ? [object.metadata] : []))
  const [first] = found.sort((a, b) => {
    const age = Date.parse(b.creationTimestamp ?? '') - Date.parse(a.creationTimestamp ?? '')
    return age || (a.name < b.name ? -1 : 1)
  })
  return first?.name
}
