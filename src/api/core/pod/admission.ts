/**
 * What Kubernetes' default admission plugins write into every new pod: its identity (ServiceAccount), its priority
 * (Priority) and how long it stays on a node that is lost (DefaultTolerationSeconds).
 */
import type { Pod, PodSpec, Toleration } from '../../generated/v1.ts'

const defaultServiceAccount = 'default'
/** A mirror pod only shows what a node runs by itself. */
const mirrorAnnotation = 'kubernetes.io/config.mirror'
const lostNodeSeconds = 300
const lostNodeTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

/** The priority classes that every cluster has. */
const systemPriorities: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
}

export function admitPod({ metadata, spec }: Pod): void {
  if (!spec) return
  if (metadata.annotations?.[mirrorAnnotation] === undefined) {
    const account = spec.serviceAccountName || spec.serviceAccount || defaultServiceAccount
    spec.serviceAccountName = account
    spec.serviceAccount = account
  }
  spec.priority ??= systemPriorities[spec.priorityClassName ?? ''] ?? 0
  spec.preemptionPolicy ??= 'PreemptLowerPriority'
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
