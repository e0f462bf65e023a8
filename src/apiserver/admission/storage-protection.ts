/** StorageObjectInUseProtection: volumes and claims that are in use stay until they are not. */
import type { AdmissionPlugin } from './plugin.ts'

const finalizers: Readonly<Record<string, string>> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
}

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  resources: Object.keys(finalizers),
  mutate(_context, { operation, request, object }) {
    if (operation !== 'CREATE' || request.subresource !== '') return
    const finalizer = finalizers[request.resource.definition.plural]
    const own = (object.metadata.finalizers ??= [])
    if (finalizer && !own.includes(finalizer)) own.push(finalizer)
  },
}
