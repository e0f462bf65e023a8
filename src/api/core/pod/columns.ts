/** `kubectl get pods`. */
import { ageColumn, nameColumn, none } from '../../common/columns.ts'
import type { Pod } from '../../generated/v1.ts'
import { age } from '../../machinery/time.ts'
import type { Column } from '../../resource.ts'
import { podCondition, podIPs } from './conditions.ts'
import { podSummary } from './status-word.ts'

function ready(pod: Pod): string {
  const { ready, total } = podSummary(pod)
  return `${ready}/${total}`
}

function restarts(pod: Pod, now: Date): string {
  const { restarts, lastRestart } = podSummary(pod)
  return restarts > 0 && lastRestart ? `${restarts} (${age(lastRestart, now)} ago)` : String(restarts)
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? []
  if (gates.length === 0) return none
  const passed = gates.filter((gate) => podCondition(pod, gate.conditionType)?.status === 'True')
  return `${passed.length}/${gates.length}`
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  {
    name: 'Ready',
    type: 'string',
    description: 'The aggregate readiness state of this pod for accepting traffic.',
    cell: ready,
  },
  {
    name: 'Status',
    type: 'string',
    description: 'The aggregate status of the containers in this pod.',
    cell: (pod) => podSummary(pod).word,
  },
  {
    name: 'Restarts',
    type: 'string',
    description:
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    cell: restarts,
  },
  ageColumn,
  { name: 'IP', type: 'string', priority: 1, cell: (pod) => podIPs(pod)[0] ?? none },
  { name: 'Node', type: 'string', priority: 1, cell: (pod) => pod.spec?.nodeName || none },
  { name: 'Nominated Node', type: 'string', priority: 1, cell: (pod) => pod.status?.nominatedNodeName || none },
  { name: 'Readiness Gates', type: 'string', priority: 1, cell: readinessGates },
]
