/** PersistentVolumeClaims, as far as a directory of the node is behind them: hostPath and local volumes. */
import { existsSync } from 'node:fs'
import type { Pod } from '../../../api/generated/v1.ts'
import { type KubeClient, resources } from '../../../client/index.ts'
import { prepareHostPath } from './host-path.ts'

/** The directory behind a bound claim of the pod's namespace. */
export async function claimPath(client: KubeClient, { metadata }: Pod, name: string): Promise<string> {
  const { namespace = '' } = metadata
  const claim = await client.get(resources.persistentVolumeClaims, { namespace, name })
  const { volumeName } = claim.spec ?? {}
  if (!volumeName || claim.status?.phase !== 'Bound') {
    throw new Error(`error processing PVC ${namespace}/${name}: PVC is not bound`)
  }
  const { spec } = await client.get(resources.persistentVolumes, { name: volumeName })
  if (spec?.hostPath) {
    prepareHostPath(spec.hostPath.path, spec.hostPath.type ?? '')
    return spec.hostPath.path
  }
  if (!spec?.local) throw new Error(`the kind of volume "${volumeName}" is not supported by the process runtime`)
  if (!existsSync(spec.local.path)) throw new Error(`path "${spec.local.path}" does not exist`)
  return spec.local.path
}
