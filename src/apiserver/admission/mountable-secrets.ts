/** Accounts whose pods may only use the secrets that the account itself names (deprecated since 1.32). Pure. */
import type { Container, PodSpec, ServiceAccount } from '../../api/generated/v1.ts'

const annotation = 'kubernetes.io/enforce-mountable-secrets'

export function enforcesMountableSecrets({ metadata }: ServiceAccount): boolean {
  return /^(1|t|T|TRUE|true|True)$/.test(metadata.annotations?.[annotation] ?? '')
}

/** Why the pod is refused; undefined: it uses nothing else. */
export function unmountableSecret(
  spec: PodSpec,
  { metadata, secrets, imagePullSecrets }: ServiceAccount,
): string | undefined {
  const mountable = new Set((secrets ?? []).map(({ name = '' }) => name))
  const because = (what: string) =>
    `is not allowed because service account ${metadata.name} does not reference that ${what}`
  const unmountable = (name: string | undefined) => name !== undefined && !mountable.has(name)
  for (const { secret } of spec.volumes ?? []) {
    const name = secret?.secretName
    if (unmountable(name)) return `volume with secret.secretName="${name}" ${because('secret')}`
  }
  const containers = [
    ...(spec.initContainers ?? []).map((container) => [container, 'init container'] as const),
    ...spec.containers.map((container) => [container, 'container'] as const),
  ]
  for (const [container, kind] of containers) {
    for (const [name, from] of secretsOf(container)) {
      if (!unmountable(name)) continue
      return `${kind} ${container.name} with ${from} referencing secret.secretName="${name}" ${because('secret')}`
    }
  }
  const pullable = new Set((imagePullSecrets ?? []).map(({ name = '' }) => name))
  const i = (spec.imagePullSecrets ?? []).findIndex(({ name = '' }) => !pullable.has(name))
  const name = spec.imagePullSecrets?.[i]?.name
  return name === undefined ? undefined : `imagePullSecrets[${i}].name="${name}" ${because('imagePullSecret')}`
}

/** Names of secrets, each with where the container refers to it. */
function secretsOf({ env = [], envFrom = [] }: Container): [string | undefined, string][] {
  return [
    ...env.map(({ name, valueFrom }): [string | undefined, string] => [
      valueFrom?.secretKeyRef?.name,
      `envVar ${name}`,
    ]),
    ...envFrom.map(({ secretRef }): [string | undefined, string] => [secretRef?.name, 'envFrom']),
  ]
}
