/** A Deployment's ReplicaSets: which is its current one, what it is called, and the annotations that number revisions. */
import type { Deployment, DeploymentSpec, ReplicaSet } from '../../api/generated/apps.v1.ts'
import type { PodTemplateSpec } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { canonicalJson, templateHash } from '../shared/hash.ts'
import { controllerReference } from '../shared/owners.ts'

const hashLabel = 'pod-template-hash'
const revisionAnnotation = 'deployment.kubernetes.io/revision'
const historyAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas'

/** Not copied from the Deployment to its ReplicaSets. */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
])

/** A very long history is cut from its old end. */
const historyLengthMax = 2000

export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (x !== y) return x < y ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : 1
}

export function specReplicas(replicaSet: ReplicaSet): number {
  return replicaSet.spec?.replicas ?? 1
}

/** The oldest ReplicaSet whose template is the Deployment's, hash label aside. */
export function findNewReplicaSet(deployment: Deployment, all: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = templateText(deployment.spec?.template)
  return [...all].sort(byCreation).find((replicaSet) => templateText(replicaSet.spec?.template) === wanted)
}

/** Templates in caches are never mutated, so each is rendered once. */
const texts = new WeakMap<PodTemplateSpec, string>()

function templateText(template: PodTemplateSpec | undefined): string {
  if (!template) return ''
  let text = texts.get(template)
  if (text === undefined) {
    const { [hashLabel]: _, ...labels } = template.metadata?.labels ?? {}
    const { annotations } = template.metadata ?? {}
    text = canonicalJson({ spec: template.spec, labels, annotations: annotations ?? {} })
    texts.set(template, text)
  }
  return text
}

/** The number after the highest among the old ReplicaSets. */
export function nextRevision(old: readonly ReplicaSet[]): bigint {
  return old.map(revisionOf).reduce(later, 0n) + 1n
}

/** Of two revisions. */
export const later = (a: bigint, b: bigint): bigint => (a > b ? a : b)

export const revisionOf = ({ metadata }: Deployment | ReplicaSet): bigint => revisionIn(metadata.annotations)

/** A 64-bit number, as upstream's; what is none counts as 0. */
function revisionIn(annotations: Readonly<Record<string, string>> = {}): bigint {
  const text = annotations[revisionAnnotation] ?? ''
  return /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace('+', '')) : 0n
}

/** The Deployment as if it had the annotation; the next status write stores it. */
export function withRevision(deployment: Deployment, revision: bigint): Deployment {
  if (revisionOf(deployment) === revision) return deployment
  const annotations = { ...deployment.metadata.annotations, [revisionAnnotation]: String(revision) }
  return { ...deployment, metadata: { ...deployment.metadata, annotations } }
}

/** The annotations of the current ReplicaSet: the Deployment's own, the revision, and former revisions it had. */
export function newReplicaSetAnnotations(
  deployment: Deployment,
  existing: Readonly<Record<string, string>>,
  revision: bigint,
): Record<string, string> {
  const annotations = { ...existing }
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!ownAnnotations.has(key)) annotations[key] = value
  }
  const before = revisionIn(annotations)
  if (before >= revision) return annotations
  annotations[revisionAnnotation] = String(revision)
  if (before > 0) annotations[historyAnnotation] = history(annotations[historyAnnotation], before)
  return annotations
}

function history(former: string | undefined, revision: bigint): string {
  const revisions = former ? former.split(',') : []
  while (revisions.length > 0 && revisions.join(',').length + String(revision).length + 1 > historyLengthMax) {
    revisions.shift()
  }
  return [...revisions, String(revision)].join(',')
}

/** Annotations that tell a later scaling what the sizes were meant for. */
export function sizeAnnotations(desired: number, max: number): Record<string, string> {
  return { [desiredAnnotation]: String(desired), [maxAnnotation]: String(max) }
}

/** The ReplicaSet of the Deployment's present template, not yet created. */
export function buildReplicaSet(
  deployment: Deployment,
  { revision, replicas, maxReplicas }: { revision: bigint; replicas: number; maxReplicas: number },
): ReplicaSet {
  const { template, selector, minReadySeconds, replicas: desired = 1 } = deployment.spec ?? emptySpec
  const hash = templateHash(template, deployment.status?.collisionCount)
  const labels = { ...template.metadata?.labels, [hashLabel]: hash }
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels,
      annotations: {
        ...newReplicaSetAnnotations(deployment, {}, revision),
        ...sizeAnnotations(desired, maxReplicas),
      },
      ownerReferences: [controllerReference(resources.deployments, deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: Object.assign({}, template.metadata, { labels }) },
    },
  }
}

const emptySpec: DeploymentSpec = { selector: {}, template: {} }
