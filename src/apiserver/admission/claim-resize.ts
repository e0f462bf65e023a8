/** PersistentVolumeClaimResize: only claims whose class says that it can may grow. */
import type { PersistentVolumeClaim } from '../../api/generated/v1.ts'
import { compareQuantities } from '../../api/machinery/quantity.ts'
import { resources } from '../../client/resources.ts'
import { type AdmissionPlugin, refused } from './plugin.ts'

const refusal =
  'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  resources: ['persistentvolumeclaims'],
  async validate(context, attributes) {
    const { operation, request, object, old } = attributes
    if (operation !== 'UPDATE' || request.subresource !== '' || !old) return
    const [after, before]: PersistentVolumeClaim[] = [object, old]
    if (compareQuantities(sizeOf(after), sizeOf(before)) <= 0) return
    if (before?.status?.phase !== 'Bound') {
      throw refused(attributes, 'Only bound persistent volume claims can be expanded')
    }
    const name = after?.spec?.storageClassName
    const isSame = name === before.spec?.storageClassName
    const storageClass = name && isSame ? await context.objects.find(resources.storageClasses, { name }) : undefined
    if (!storageClass?.allowVolumeExpansion) throw refused(attributes, refusal)
  },
}

function sizeOf(claim: PersistentVolumeClaim | undefined): string {
  return claim?.spec?.resources?.requests?.['storage'] ?? '0'
}
