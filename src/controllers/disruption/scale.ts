/** How many pods the controllers of some pods want. */

import type { Pod } from '../../api/generated/v1.ts'
import type { KubeObject, OwnerReference } from '../../api/machinery/object.ts'
import { controllerOf } from '../../api/machinery/object.ts'
import type { ReadCache } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerContext } from '../context.ts'

interface Scaled extends KubeObject {
  spec?: { replicas?: number }
}

interface Source {
  readonly group: string
  readonly cache: ReadCache<Scaled>
  /** What controls objects of this kind counts instead, where there is any. */
  readonly controlledBy?: string
}

export interface Scale {
  readonly total: number
  /** Pods that nobody controls. */
  readonly unmanaged: readonly Pod[]
}

/** Throws when a pod's controller is of a kind that has no scale. */
export type ScaleReader = (pods: readonly Pod[]) => Scale

export function scaleReader(ctx: ControllerContext): ScaleReader {
  const sources: Readonly<Record<string, Source>> = {
    ReplicationController: { group: '', cache: ctx.informers.of(resources.replicationControllers) },
    ReplicaSet: { group: 'apps', cache: ctx.informers.of(resources.replicaSets), controlledBy: 'Deployment' },
    Deployment: { group: 'apps', cache: ctx.informers.of(resources.deployments) },
    StatefulSet: { group: 'apps', cache: ctx.informers.of(resources.statefulSets) },
  }

  const find = (namespace: string, { kind, name, uid, apiVersion }: OwnerReference): Scaled | undefined => {
    const source = Object.hasOwn(sources, kind) ? sources[kind] : undefined
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
    if (!source || source.group !== group) return undefined
    const found = source.cache.get(`${namespace}/${name}`)
    if (!found || found.metadata.uid !== uid) return undefined
    const above = controllerOf(found)
    return above && above.kind === source.controlledBy ? find(namespace, above) : found
  }

  return (pods) => {
    const owners = new Map<string, number>()
    const unmanaged: Pod[] = []
    for (const pod of pods) {
      const reference = controllerOf(pod)
      if (!reference) {
        unmanaged.push(pod)
        continue
      }
      const owner = find(pod.metadata.namespace ?? '', reference)
      if (!owner) throw new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`)
      owners.set(owner.metadata.uid ?? '', owner.spec?.replicas ?? 1)
    }
    return { total: [...owners.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged }
  }
}
