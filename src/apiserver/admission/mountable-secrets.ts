/** Accounts whose pods may only use the secrets that the account itself names (deprecated since 1.32). Pure. */
import type { Container, EphemeralContainer, PodSpec, ServiceAccount } from '../../api/generated/v1.ts'

const annotation = 'kubernetes.io/enforce-mountable-secrets'

export function enforcesMountableSecrets({ metadata }: ServiceAccount): boolean {
  return /^(1|t|T|TRUE|true|True)$/.test(metadata.annotations?.[annotation] ?? '')
}

/** Why the pod is refused; undefined: it uses nothing else. */
export function unmountableSecret(spec: PodSpec, account: ServiceAccount): string | undefined {
  const { volumes = [], initContainers = [], containers, imagePullSecrets = [] } = spec
  const mountable = namesOf(account.secrets)
  const pullable = namesOf(account.imagePullSecrets)
  const volume = volumes.find(({ secret }) => secret?.secretName !== undefined && !mountable.has(secret.secretName))
  if (volume) return `volume with secret.secretName="${volume.secret?.secretName}" ${because(account, 'secret')}`
  const inContainer =
    unmountableIn('init container', initContainers, account) ?? unmountableIn('container', containers, account)
  if (inContainer) return inContainer
  const i = imagePullSecrets.findIndex(({ name = '' }) => !pullable.has(name))
  const name = imagePullSecrets[i]?.name
  return name === undefined ? undefined : `imagePullSecrets[${i}].name="${name}" ${because(account, 'imagePullSecret')}`
}

/** The same of containers alone. */
export function unmountableIn(
  kind: 'init container' | 'container' | 'ephemeral container',
  containers: readonly (Container | EphemeralContainer)[],
  account: ServiceAccount,
): string | undefined {
  const mountable = namesOf(account.secrets)
  for (const container of containers) {
    const used = secretsOf(container).find(([name]) => name !== undefined && !mountable.has(name))
    if (!used) continue
    const [name, from] = used
    return `${kind} ${container.name} with ${from} referencing secret.secretName="${name}" ${because(account, 'secret')}`
  }
  return undefined
}

function because({ metadata }: ServiceAccount, what: string): string {
  return `is not allowed because service account ${metadata.name} does not reference that ${what}`
}

function namesOf(references: readonly { readonly name?: string }[] = []): ReadonlySet<string> {
  return new Set(references.map(({ name = '' }) => name))
}

/** Names of secrets, each with where the container refers to it. */
function secretsOf({ env = [], envFrom = [] }: Container | EphemeralContainer): [string | undefined, string][] {
  return [
    ...env.map(({ name, valueFrom }): [string | undefined, string] => [
      valueFrom?.secretKeyRef?.name,
      `envVar ${name}`,
    ]),
    ...envFrom.map(({ secretRef }): [string | undefined, string] => [secretRef?.name, 'envFrom']),
  ]
}
