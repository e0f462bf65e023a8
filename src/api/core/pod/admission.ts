/**
 * What Kubernetes' default admission plugins write into every new pod, as far as that needs no other object: its
 * identity (ServiceAccount), that it is as important as others (Priority), and how long it stays on a node that is lost
 * (DefaultTolerationSeconds).
 */
import type { Pod, PodSpec, Toleration } from '../../generated/v1.ts'

const defaultServiceAccount = 'default'
/** A mirror pod only shows what a node runs by itself. */
const mirrorAnnotation = 'kubernetes.io/config.mirror'
const lostNodeSeconds = 300
const lostNodeTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

export function admitPod({ metadata, spec }: Pod): void {
  if (!spec) return
  if (metadata.annotations?.[mirrorAnnotation] === undefined) {
    const account = spec.serviceAccountName || spec.serviceAccount || defaultServiceAccount
    spec.serviceAccountName = account
    spec.serviceAccount = account
  }
  spec.priority ??= 0
  spec.preemptionPolicy ??= 'PreemptLowerPriority'
  for (const key of lostNodeTaints) tolerateForAWhile(spec, key)
}

/** What an update leaves out of that comes back: clients send manifests in which it never was. */
export function admitPodUpdate({ spec }: Pod, { spec: old }: Pod): void {
  if (!spec || !old) return
  if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority
  if (spec.preemptionPolicy === undefined && old.preemptionPolicy) spec.preemptionPolicy = old.preemptionPolicy
  for (const key of lostNodeTaints) tolerateForAWhile(spec, key)
}

function tolerateForAWhile(spec: PodSpec, key: string): void {
  const tolerations = (spec.tolerations ??= [])
  if (tolerations.some((toleration) => tolerates(toleration, key))) return
  tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: lostNodeSeconds })
}

function tolerates(toleration: Toleration, key: string): boolean {
  const { key: own = '', effect = '' } = toleration
  return (own === key || own === '') && (effect === 'NoExecute' || effect === '')
}
