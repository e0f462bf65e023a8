/** PersistentVolumeClaims, as far as a directory of the node is behind them: hostPath and local volumes. */
import { existsSync } from 'node:fs'
import { claimNameOf, claimProblem } from '../../../api/core/pod/claims.ts'
import type { Pod, Volume } from '../../../api/generated/v1.ts'
import { type KubeClient, resources } from '../../../client/index.ts'
import { prepareHostPath } from './host-path.ts'

/** The directory behind the bound claim of a volume. */
export async function claimPath(client: KubeClient, pod: Pod, volume: Volume): Promise<string> {
  const { namespace = '' } = pod.metadata
  const name = claimNameOf(pod, volume) ?? ''
  const claim = await client.get(resources.persistentVolumeClaims, { namespace, name })
  const problem = claimProblem(pod, volume, claim)
  if (problem) throw new Error(problem)
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
