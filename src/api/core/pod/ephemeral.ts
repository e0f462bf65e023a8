/** pods/ephemeralcontainers: containers added to a pod that runs, to look at it. Only added: never changed, never removed. */
import { bumpGeneration, sameValue } from '../../common/strategy.ts'
import type { EphemeralContainer, Pod, PodSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { duplicate, forbidden, notFound, Path } from '../../machinery/field.ts'
import type { UpdateStrategy } from '../../resource.ts'
import { validateCommon } from './container-validation.ts'
import { describeDifference } from './difference.ts'
import { podWarnings } from './warnings.ts'

const path = Path.of('spec', 'ephemeralContainers')
const refusedFields = [
  'lifecycle',
  'livenessProbe',
  'ports',
  'readinessProbe',
  'resizePolicy',
  'resources',
  'restartPolicy',
  'restartPolicyRules',
  'startupProbe',
] as const
const refusal = 'cannot be set for an Ephemeral Container'

export const ephemeralContainersStrategy: UpdateStrategy<Pod> = {
  prepareForUpdate: (next, old) => {
    const { ephemeralContainers } = next.spec ?? {}
    const { resourceVersion } = next.metadata
    next.metadata = { ...structuredClone(old.metadata), ...(resourceVersion && { resourceVersion }) }
    next.spec = { ...structuredClone(old.spec ?? { containers: [] }) }
    if (ephemeralContainers) next.spec.ephemeralContainers = ephemeralContainers
    else delete next.spec.ephemeralContainers
    if (old.status) next.status = structuredClone(old.status)
    bumpGeneration(next, old)
  },
  validateUpdate: (next, old) => [...validateAll(next.spec ?? { containers: [] }), ...validateChange(next, old)],
  warningsOnUpdate: podWarnings,
}

function validateAll(spec: PodSpec): FieldError[] {
  const others = new Set([...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name))
  const names = new Set(others)
  return (spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const at = path.index(i)
    const errors = validateCommon(container, spec, at)
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name))
    names.add(container.name)
    const target = container.targetContainerName
    if (target && !others.has(target)) errors.push(notFound(at.child('targetContainerName'), target))
    return [...errors, ...refuseFields(container, at)]
  })
}

/** What a pod's service could rest on. */
function refuseFields(container: EphemeralContainer, at: Path): FieldError[] {
  const set = refusedFields.filter((field) => !isEmpty(container[field]))
  const mounts = (container.volumeMounts ?? []).flatMap((mount, i) =>
    (['subPath', 'subPathExpr'] as const)
      .filter((field) => mount[field])
      .map((field) => forbidden(at.child('volumeMounts').index(i).child(field), refusal)),
  )
  return [...set.map((field) => forbidden(at.child(field), refusal)), ...mounts]
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function validateChange(next: Pod, old: Pod): FieldError[] {
  return (old.spec?.ephemeralContainers ?? []).flatMap((before) => {
    const after = next.spec?.ephemeralContainers?.find(({ name }) => name === before.name)
    const what = `existing ephemeral containers ${JSON.stringify(before.name)} may not be`
    if (!after) return forbidden(path, `${what} removed\n`)
    return sameValue(before, after) ? [] : forbidden(path, `${what} changed\n${describeDifference(before, after)}`)
  })
}
