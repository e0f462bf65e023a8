/** Which nodes a pod may run on: node selector, required node affinity, taints. Shared by scheduler and DaemonSets. */
import type { Node, NodeSelector, NodeSelectorRequirement, Pod, Taint, Toleration } from '../../api/generated/v1.ts'

export const notReadyTaint = 'node.kubernetes.io/not-ready'
export const unreachableTaint = 'node.kubernetes.io/unreachable'
export const unschedulableTaint = 'node.kubernetes.io/unschedulable'

type PodPlacement = Pick<NonNullable<Pod['spec']>, 'nodeSelector' | 'affinity' | 'tolerations'>

/** `spec.nodeSelector` and the required terms of `spec.affinity.nodeAffinity` both hold. */
export function matchesNode({ nodeSelector, affinity }: PodPlacement, node: Node): boolean {
  const labels = node.metadata.labels ?? {}
  if (!Object.entries(nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required === undefined || matchesNodeSelector(required, node)
}

/** Terms are alternatives; a term without requirements matches no node. */
export function matchesNodeSelector({ nodeSelectorTerms }: NodeSelector, node: Node): boolean {
  return nodeSelectorTerms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false
    const fields = { 'metadata.name': node.metadata.name }
    return (
      matchExpressions.every((requirement) => holds(requirement, node.metadata.labels ?? {})) &&
      matchFields.every((requirement) => holds(requirement, fields))
    )
  })
}

function holds(
  { key, operator, values = [] }: NodeSelectorRequirement,
  facts: Readonly<Record<string, string | undefined>>,
): boolean {
  const value = facts[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return isInteger(value) && isInteger(values[0]) && BigInt(value) > BigInt(values[0])
    case 'Lt':
      return isInteger(value) && isInteger(values[0]) && BigInt(value) < BigInt(values[0])
    default:
      return false
  }
}

function isInteger(text: string | undefined): text is string {
  return text !== undefined && /^[-+]?\d+$/.test(text)
}

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some(({ key, operator = 'Equal', value = '', effect }) => {
    if (effect && effect !== taint.effect) return false
    if (key && key !== taint.key) return false
    return operator === 'Exists' || (key !== undefined && key !== '' && value === (taint.value ?? ''))
  })
}

/** The first taint of these effects that the tolerations leave standing. */
export function untolerated(
  tolerations: readonly Toleration[] | undefined,
  taints: readonly Taint[],
  effects: readonly string[],
): Taint | undefined {
  return taints.find((taint) => effects.includes(taint.effect) && !tolerates(tolerations ?? [], taint))
}

export function nodeReady({ status }: Node): 'True' | 'False' | 'Unknown' | undefined {
  return status?.conditions?.find((condition) => condition.type === 'Ready')?.status as 'True' | undefined
}

/**
 * The node's taints, with those that follow from its state. The node lifecycle controller writes these to `spec.taints`
 * too; deriving them here leaves no moment between a node's change of state and its taint.
 */
export function effectiveTaints(node: Node): Taint[] {
  const taints = [...(node.spec?.taints ?? [])]
  const add = (key: string) => {
    if (!taints.some((t) => t.key === key && t.effect === 'NoSchedule')) taints.push({ key, effect: 'NoSchedule' })
  }
  const ready = nodeReady(node)
  if (ready === 'Unknown') add(unreachableTaint)
  else if (ready !== 'True') add(notReadyTaint)
  return taints
}
