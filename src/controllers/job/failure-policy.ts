/** What the failure of a pod means to its Job (KEP-3329): the first rule that matches says. */
import type { Job, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule } from '../../api/generated/batch.v1.ts'
import type { ContainerStatus, Pod } from '../../api/generated/v1.ts'

export interface Verdict {
  readonly action: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore' | undefined
  /** Towards the limit of failures. */
  readonly counts: boolean
  /** Why the Job fails. */
  readonly message?: string
}

const noRule: Verdict = { action: undefined, counts: true }

export function judgeFailure({ spec }: Job, pod: Pod): Verdict {
  for (const [i, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    const matched = matchRule(rule, pod)
    if (matched === undefined) continue
    const action = rule.action as NonNullable<Verdict['action']>
    const message = `${matched} matching ${action} rule at index ${i}`
    return { action, counts: action !== 'Ignore', ...(action === 'FailJob' && { message }) }
  }
  return noRule
}

/** What matched, in words. */
function matchRule({ onExitCodes, onPodConditions = [] }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`
  if (onExitCodes) {
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
    const failed = [...containerStatuses, ...initContainerStatuses].find((one) => matchExitCode(one, onExitCodes))
    const code = failed?.state?.terminated?.exitCode
    return failed && `Container ${failed.name} for pod ${name} failed with exit code ${code}`
  }
  const condition = pod.status?.conditions?.find((one) =>
    onPodConditions.some(({ type, status }) => type === one.type && status === one.status),
  )
  return condition && `Pod ${name} has condition ${condition.type}`
}

function matchExitCode(status: ContainerStatus, requirement: PodFailurePolicyOnExitCodesRequirement): boolean {
  const { containerName, operator, values } = requirement
  if (containerName !== undefined && containerName !== status.name) return false
  const code = status.state?.terminated?.exitCode
  if (!code) return false
  return values.includes(code) === (operator === 'In')
}
