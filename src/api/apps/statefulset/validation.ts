/** Checks of a StatefulSet. */
import { checkAtMostAll, checkIntOrPercent, isZero } from '../../common/int-or-percent.ts'
import { sameValue } from '../../common/strategy.ts'
import { checkLabel, checkNonNegative } from '../../common/validation.ts'
import type {
  StatefulSet,
  StatefulSetPersistentVolumeClaimRetentionPolicy,
  StatefulSetSpec,
  StatefulSetUpdateStrategy,
} from '../../generated/apps.v1.ts'
import type { PersistentVolumeClaim, PodTemplateSpec, Volume } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { forbidden, invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { validateTemplated } from '../template.ts'

const path = Path.of('spec')
const noSpec = {} as StatefulSetSpec

/** What an update may change; upstream's message lists them in this order. */
const mutable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const satisfies (keyof StatefulSetSpec)[]
const immutableText = `updates to statefulset spec for fields other than ${mutable
  .slice(0, -1)
  .map((field) => `'${field}'`)
  .join(', ')} and '${mutable.at(-1)}' are forbidden`

export function validateStatefulSet(set: StatefulSet): FieldError[] {
  const { serviceName } = set.spec ?? noSpec
  return [
    ...validateSpec(set.spec ?? noSpec),
    ...(serviceName ? checkLabel(path.child('serviceName'), serviceName) : []),
  ]
}

function validateSpec(spec: StatefulSetSpec): FieldError[] {
  return [
    ...validatePodManagement(spec.podManagementPolicy),
    ...validateUpdateStrategy(spec.updateStrategy ?? {}, path.child('updateStrategy')),
    ...validateRetention(spec.persistentVolumeClaimRetentionPolicy ?? {}),
    ...checkNonNegative(path.child('replicas'), spec.replicas),
    ...checkNonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
    ...checkNonNegative(path.child('ordinals', 'start'), spec.ordinals?.start),
    ...validateTemplated({ ...spec, template: withClaims(spec) }, 'statefulset'),
  ]
}

function validatePodManagement(policy: string | undefined): FieldError[] {
  const at = path.child('podManagementPolicy')
  if (!policy) return [required(at)]
  if (policy === 'OrderedReady' || policy === 'Parallel') return []
  return [invalid(at, policy, "must be 'OrderedReady' or 'Parallel'")]
}

function validateUpdateStrategy(strategy: StatefulSetUpdateStrategy, at: Path): FieldError[] {
  const { type, rollingUpdate } = strategy
  const here = at.child('rollingUpdate')
  if (!type) return [required(at)]
  if (type === 'OnDelete') {
    return rollingUpdate ? [invalid(here, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")] : []
  }
  if (type !== 'RollingUpdate') return [invalid(at, strategy, "must be 'RollingUpdate' or 'OnDelete'")]
  const errors = [...checkNonNegative(here.child('partition'), rollingUpdate?.partition)]
  const { maxUnavailable } = rollingUpdate ?? {}
  if (maxUnavailable === undefined) return errors
  const maxPath = here.child('maxUnavailable')
  errors.push(...checkIntOrPercent(maxPath, maxUnavailable))
  if (isZero(maxUnavailable)) errors.push(invalid(maxPath, maxUnavailable, 'cannot be 0'))
  return [...errors, ...checkAtMostAll(maxPath, maxUnavailable)]
}

function validateRetention(policy: StatefulSetPersistentVolumeClaimRetentionPolicy): FieldError[] {
  const at = path.child('persistentVolumeClaimRetentionPolicy')
  return (['whenDeleted', 'whenScaled'] as const).flatMap((name) => {
    const value = policy[name]
    return value === 'Retain' || value === 'Delete'
      ? []
      : [notSupported(at.child(name), value ?? '', ['Retain', 'Delete'])]
  })
}

/** The template as pods get it: each claim template is a volume that containers may mount. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  if (volumeClaimTemplates.length === 0) return template
  const names = new Set(volumeClaimTemplates.map((claim) => claim.metadata.name))
  const own = (template.spec?.volumes ?? []).filter(({ name }) => !names.has(name))
  const volumes = [...own, ...volumeClaimTemplates.map(volumeOf)]
  return { ...template, spec: { containers: [], ...template.spec, volumes } }
}

function volumeOf({ metadata: { name } }: PersistentVolumeClaim): Volume {
  return { name, persistentVolumeClaim: { claimName: name } }
}

export function validateStatefulSetUpdate(next: StatefulSet, old: StatefulSet): FieldError[] {
  const [after, before] = [next.spec ?? noSpec, old.spec ?? noSpec]
  // A Service name that was let in long ago does not hold up other changes.
  const errors = validateSpec(after)
  if (!sameValue(fixedPart(after), fixedPart(before))) errors.push(forbidden(path, immutableText))
  return errors
}

function fixedPart(spec: StatefulSetSpec): Partial<StatefulSetSpec> {
  const fixed: Partial<StatefulSetSpec> = { ...spec }
  for (const field of mutable) delete fixed[field]
  return fixed
}

const counts = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const

export function validateStatefulSetStatusUpdate({ status }: StatefulSet, old: StatefulSet): FieldError[] {
  const at = Path.of('status')
  const names = [...counts, 'observedGeneration', 'collisionCount'] as const
  const errors = names.flatMap((name) => checkNonNegative(at.child(name), status?.[name]))
  for (const name of counts.slice(1)) {
    const count = status?.[name] ?? 0
    if (count > (status?.replicas ?? 0)) {
      errors.push(invalid(at.child(name), count, 'cannot be greater than status.replicas'))
    }
  }
  const available = status?.availableReplicas ?? 0
  if (available > (status?.readyReplicas ?? 0)) {
    errors.push(invalid(at.child('availableReplicas'), available, 'cannot be greater than status.readyReplicas'))
  }
  const collisions = status?.collisionCount ?? 0
  if (collisions < (old.status?.collisionCount ?? 0)) {
    errors.push(invalid(at.child('collisionCount'), collisions, 'cannot be decremented'))
  }
  return errors
}
