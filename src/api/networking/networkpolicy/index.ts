/** NetworkPolicy: who may talk to which pods. Stored and served; enforcing it is a network plugin's affair. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import { bumpGeneration, startGeneration } from '../../common/strategy.ts'
import type { NetworkPolicy } from '../../generated/networking.k8s.io.v1.ts'
import { formatLabelSelector } from '../../machinery/selectors.ts'
import { declareResource } from '../../resource.ts'
import { validateNetworkPolicy } from './validation.ts'

function setDefaults(policy: NetworkPolicy): void {
  const spec = (policy.spec ??= {})
  spec.podSelector ??= {}
  for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    for (const port of ports) port.protocol ??= 'TCP'
  }
  if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
}

export const networkPolicyDefinition = declareResource<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  namespaced: true,
  shortNames: ['netpol'],
  setDefaults,
  prepareForCreate: startGeneration,
  validate: validateNetworkPolicy,
  prepareForUpdate: bumpGeneration,
  validateUpdate: validateNetworkPolicy,
  allowUnconditionalUpdate: true,
  columns: [
    nameColumn,
    { name: 'Pod-Selector', type: 'string', cell: ({ spec }) => formatLabelSelector(spec?.podSelector) },
    ageColumn,
  ],
})
