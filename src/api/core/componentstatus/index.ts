/** ComponentStatus: whether a part of the control plane works. Nobody writes it, and it is stored nowhere. */
import { nameColumn } from '../../common/columns.ts'
import type { ComponentCondition, ComponentStatus } from '../../generated/v1.ts'
import { declareResource } from '../../resource.ts'

const healthy = ({ conditions }: ComponentStatus): ComponentCondition | undefined =>
  conditions?.find(({ type }) => type === 'Healthy')

function statusOf(component: ComponentStatus): string {
  const condition = healthy(component)
  if (!condition) return 'Unknown'
  return condition.status === 'True' ? 'Healthy' : 'Unhealthy'
}

export const componentStatusDefinition = declareResource<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  singular: 'componentstatus',
  namespaced: false,
  shortNames: ['cs'],
  verbs: ['get', 'list'],
  deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', cell: statusOf },
    { name: 'Message', type: 'string', cell: (component) => healthy(component)?.message ?? '' },
    { name: 'Error', type: 'string', cell: (component) => healthy(component)?.error ?? '' },
  ],
})
