/** What a pod's spec refers to by name in its namespace (upstream's VisitPodSecretNames and VisitPodConfigmapNames). */
import type { Container, EphemeralContainer, Pod, PodSpec } from '../../generated/v1.ts'
import { claimNameOf } from './claims.ts'

export interface PodReferences {
  readonly secrets: ReadonlySet<string>
  readonly configMaps: ReadonlySet<string>
  readonly claims: ReadonlySet<string>
}

export function podReferences(pod: Pod): PodReferences {
  const { spec } = pod
  const secrets = new Set<string>()
  const configMaps = new Set<string>()
  const claims = new Set<string>()
  for (const { name } of spec?.imagePullSecrets ?? []) add(secrets, name)
  for (const { env = [], envFrom = [] } of containersOf(spec)) {
    for (const { valueFrom } of env) {
      add(secrets, valueFrom?.secretKeyRef?.name)
      add(configMaps, valueFrom?.configMapKeyRef?.name)
    }
    for (const { secretRef, configMapRef } of envFrom) {
      add(secrets, secretRef?.name)
      add(configMaps, configMapRef?.name)
    }
  }
  for (const volume of spec?.volumes ?? []) {
    add(secrets, volume.secret?.secretName)
    add(secrets, volume.csi?.nodePublishSecretRef?.name)
    add(configMaps, volume.configMap?.name)
    add(claims, claimNameOf(pod, volume))
    for (const { secret, configMap } of volume.projected?.sources ?? []) {
      add(secrets, secret?.name)
      add(configMaps, configMap?.name)
    }
  }
  return { secrets, configMaps, claims }
}

function containersOf(spec: PodSpec | undefined): (Container | EphemeralContainer)[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])]
}

function add(names: Set<string>, name: string | undefined): void {
  if (name) names.add(name)
}
