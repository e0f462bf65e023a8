/** LimitRange: what containers, pods and claims of a namespace may ask for, and what they get that ask for nothing. */
import { nameColumn } from '../../common/columns.ts'
import type { LimitRange, LimitRangeItem } from '../../generated/v1.ts'
import { declareResource } from '../../resource.ts'
import { validateLimitRange } from './validation.ts'

/** What is not said of a container follows from what is: the default limit from the largest, requests from limits. */
function setDefaults({ spec }: LimitRange): void {
  for (const item of spec?.limits ?? []) if (item.type === 'Container') defaultItem(item)
}

function defaultItem(item: LimitRangeItem): void {
  const limits = { ...item.max, ...item.default }
  const requests = { ...item.min, ...limits, ...item.defaultRequest }
  if (Object.keys(limits).length > 0) item.default = limits
  if (Object.keys(requests).length > 0) item.defaultRequest = requests
}

export const limitRangeDefinition = declareResource<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  namespaced: true,
  shortNames: ['limits'],
  setDefaults,
  validate: validateLimitRange,
  validateUpdate: validateLimitRange,
  allowUnconditionalUpdate: true,
  columns: [
    nameColumn,
    { name: 'Created At', type: 'date', cell: ({ metadata }) => metadata.creationTimestamp ?? '<unknown>' },
  ],
})
