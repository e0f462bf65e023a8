/** ServiceAccount: an identity for pods. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import type { ServiceAccount } from '../../generated/v1.ts'
import { declareResource } from '../../resource.ts'

/** Secrets are named; whatever else a reference says of them is not kept. */
function keepNamesOnly(account: ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name = '' }) => ({ name }))
}

const mountableSecretsAnnotation = 'kubernetes.io/enforce-mountable-secrets'

function warnings(account: ServiceAccount, old?: ServiceAccount): string[] {
  const has = ({ metadata }: ServiceAccount) => metadata.annotations?.[mountableSecretsAnnotation] !== undefined
  if (!has(account) || (old && has(old))) return []
  const path = `metadata.annotations[${mountableSecretsAnnotation}]`
  return [`${path}: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`]
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
  warningsOnCreate: (account) => warnings(account),
  prepareForUpdate: keepNamesOnly,
  warningsOnUpdate: warnings,
  allowUnconditionalUpdate: true,
  columns: [
    nameColumn,
    { name: 'Secrets', type: 'string', cell: (account) => account.secrets?.length ?? 0 },
    ageColumn,
  ],
})
