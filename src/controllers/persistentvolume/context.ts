/** What the parts of this controller share: caches, an index from claims to pods, and the annotations of a binding. */
import { claimNameOf } from '../../api/core/pod/claims.ts'
import { isPodTerminal } from '../../api/core/pod/conditions.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/v1.ts'
import type { Informer } from '../../client/informer.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerContext, Index } from '../context.ts'

/** Directories of this machine that claims can get; whoever runs the controllers may offer them. */
export interface LocalVolumes {
  /** Makes the directory of a volume; returns its path. */
  create(name: string): Promise<string>
  /** And removes it, with what is in it. */
  remove(name: string): Promise<void>
}

export const hostPathProvisioner = 'fairway/host-path'
export const boundByController = 'pv.kubernetes.io/bound-by-controller'
export const bindCompleted = 'pv.kubernetes.io/bind-completed'
/** On a claim: make its volume for this node. Provisioners read it, and take it away when they cannot. */
export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node'
export const provisionedBy = 'pv.kubernetes.io/provisioned-by'

/** Pods that are not over, by the claims they use: `NAMESPACE/NAME`. */
export const byClaim: Index<Pod> = {
  name: 'claim',
  keys: (pod) => (isPodTerminal(pod) ? [] : claimNames(pod).map((name) => `${pod.metadata.namespace}/${name}`)),
}

export function claimNames(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? [])
}

export interface StorageCaches {
  readonly claims: Informer<PersistentVolumeClaim>
  readonly volumes: Informer<PersistentVolume>
  readonly pods: Informer<Pod>
}

export function storageCaches({ informers }: ControllerContext): StorageCaches {
  return {
    claims: informers.of(resources.persistentVolumeClaims),
    volumes: informers.of(resources.persistentVolumes),
    pods: informers.indexed(resources.pods, byClaim),
  }
}
