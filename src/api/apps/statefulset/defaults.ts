/** Defaults of a StatefulSet. */
import { setTemplateDefaults } from '../../core/pod/template.ts'
import type { StatefulSet, StatefulSetSpec } from '../../generated/apps.v1.ts'

export function setStatefulSetDefaults(set: StatefulSet): void {
  const spec = (set.spec ??= {} as StatefulSetSpec)
  setTemplateDefaults(spec)
  spec.podManagementPolicy ||= 'OrderedReady'
  const strategy = (spec.updateStrategy ??= {})
  strategy.type ||= 'RollingUpdate'
  // maxUnavailable has no default: its feature gate is off in Kubernetes 1.36. Who sets it gets it.
  if (strategy.type === 'RollingUpdate') (strategy.rollingUpdate ??= {}).partition ??= 0
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {})
  retention.whenDeleted ||= 'Retain'
  retention.whenScaled ||= 'Retain'
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion = 'v1'
    claim.kind = 'PersistentVolumeClaim'
    if (claim.spec) claim.spec.volumeMode ??= 'Filesystem'
    claim.status = { phase: 'Pending' }
  }
}
