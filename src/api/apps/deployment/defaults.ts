/** Defaults of a Deployment. */

import { setTemplateDefaults } from '../../core/pod/template.ts'
import type { Deployment, DeploymentSpec } from '../../generated/apps.v1.ts'

export function setDeploymentDefaults(deployment: Deployment): void {
  const spec = (deployment.spec ??= {} as DeploymentSpec)
  spec.replicas ??= 1
  setTemplateDefaults(spec)
  const strategy = (spec.strategy ??= {})
  strategy.type ||= 'RollingUpdate'
  if (strategy.type === 'RollingUpdate') {
    const rolling = (strategy.rollingUpdate ??= {})
    rolling.maxUnavailable ??= '25%'
    rolling.maxSurge ??= '25%'
  }
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
}
