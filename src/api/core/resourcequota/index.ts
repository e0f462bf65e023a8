/** ResourceQuota: how much a namespace may hold. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import { keepSpec, keepStatus } from '../../common/strategy.ts'
import type { ResourceQuota } from '../../generated/v1.ts'
import { declareResource } from '../../resource.ts'
import { validateQuota, validateQuotaStatus, validateQuotaUpdate } from './validation.ts'

/** `pods: 1/5, requests.cpu: 100m/1`; limits apart from the rest. */
function amounts({ status }: ResourceQuota, kind: 'limits' | 'requests'): string {
  const names = Object.keys(status?.hard ?? {}).filter((name) => name.includes('limits') === (kind === 'limits'))
  return names
    .sort()
    .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name] ?? '0'}`)
    .join(', ')
}

export const resourceQuotaDefinition = declareResource<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  namespaced: true,
  shortNames: ['quota'],
  prepareForCreate: (quota) => {
    quota.status = {}
  },
  validate: validateQuota,
  prepareForUpdate: keepStatus,
  validateUpdate: validateQuotaUpdate,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec, validateUpdate: validateQuotaStatus },
  columns: [
    nameColumn,
    {
      name: 'Request',
      type: 'string',
      description: 'Request represents a minimum amount of cpu/memory that a container may consume.',
      cell: (quota) => amounts(quota, 'requests'),
    },
    {
      name: 'Limit',
      type: 'string',
      description:
        'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      cell: (quota) => amounts(quota, 'limits'),
    },
    ageColumn,
  ],
})
