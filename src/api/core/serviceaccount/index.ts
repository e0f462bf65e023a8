/** ServiceAccount: an identity for pods. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import type { ServiceAccount } from '../../generated/v1.ts'
import { declareResource } from '../../resource.ts'

/** Secrets are named; whatever else a reference says of them is not kept. */
function keepNamesOnly(account: ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name = '' }) => ({ name }))
}

export const serviceAccountDefinition = declareResource<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  namespaced: true,
  shortNames: ['sa'],
  prepareForCreate: keepNamesOnly,
  prepareForUpdate: keepNamesOnly,
  allowUnconditionalUpdate: true,
  columns: [
    nameColumn,
    { name: 'Secrets', type: 'string', cell: (account) => account.secrets?.length ?? 0 },
    ageColumn,
  ],
})
