/**
 * Claims of classes with `volumeBindingMode: WaitForFirstConsumer`: a node will do when there is a volume for each of
 * them that it reaches, or one can be made for it. Pure.
 */
import type { StorageClass } from '../../api/generated/storage.k8s.io.v1.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/generated/v1.ts'
import { selectedNodeAnnotation } from '../persistentvolume/context.ts'
import { findVolume } from '../persistentvolume/match.ts'
import { matchesNodeSelector } from '../shared/placement.ts'
import type { PodRule } from './filters.ts'

const noProvisioner = 'kubernetes.io/no-provisioner'

export interface DelayedClaim {
  readonly claim: PersistentVolumeClaim
  readonly storageClass: StorageClass
}

/** What becomes of the claims on a node. */
export interface BindingPlan {
  readonly reserve: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[]
  readonly provision: readonly PersistentVolumeClaim[]
}

/** Undefined: not on this node. */
export function planBinding(
  delayed: readonly DelayedClaim[],
  volumes: readonly PersistentVolume[],
  node: Node,
): BindingPlan | undefined {
  const reserve: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = []
  const provision: PersistentVolumeClaim[] = []
  const taken = new Set<PersistentVolume>()
  const reachable = volumes.filter(({ spec }) => {
    const { required } = spec?.nodeAffinity ?? {}
    return required === undefined || matchesNodeSelector(required, node)
  })
  for (const { claim, storageClass } of delayed) {
    const selected = claim.metadata.annotations?.[selectedNodeAnnotation]
    if (selected !== undefined && selected !== node.metadata.name) return undefined
    const left = reachable.filter((volume) => !taken.has(volume))
    const volume = selected === undefined ? findVolume(claim, left) : undefined
    if (volume) {
      taken.add(volume)
      reserve.push({ claim, volume })
    } else if (canProvision(storageClass, node)) provision.push(claim)
    else return undefined
  }
  return { reserve, provision }
}

function canProvision({ provisioner, allowedTopologies = [] }: StorageClass, { metadata }: Node): boolean {
  if (provisioner === noProvisioner) return false
  if (allowedTopologies.length === 0) return true
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(metadata.labels?.[key] ?? '')),
  )
}

/** Undefined: the pod has no such claims. */
export function delayedBindingRule(
  delayed: readonly DelayedClaim[],
  volumes: readonly PersistentVolume[],
): PodRule | undefined {
  if (delayed.length === 0) return undefined
  const reasons = ["node(s) didn't find available persistent volumes to bind"]
  return {
    count: () => {},
    refusal: (node) => (planBinding(delayed, volumes, node) ? undefined : { reasons, preemptible: false }),
  }
}
