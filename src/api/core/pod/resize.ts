/** pods/resize: CPU and memory of a running pod's containers (KEP-1287). Everything else a client sends is passed over. */
import { bumpGeneration, sameValue } from '../../common/strategy.ts'
import type { Container, Pod, PodSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { forbidden, invalid, Path } from '../../machinery/field.ts'
import type { UpdateStrategy } from '../../resource.ts'
import { qosClass } from './qos.ts'
import { validatePodSpec } from './spec-validation.ts'

const spec = Path.of('spec')
const lists = ['containers', 'initContainers'] as const
const mutable = ['cpu', 'memory'] as const

export const resizeStrategy: UpdateStrategy<Pod> = {
  prepareForUpdate: (next, old) => {
    const { resourceVersion } = next.metadata
    const wanted = next.spec
    next.metadata = { ...structuredClone(old.metadata), ...(resourceVersion && { resourceVersion }) }
    next.spec = resized(old.spec ?? { containers: [] }, wanted ?? { containers: [] })
    if (old.status) next.status = structuredClone(old.status)
    bumpGeneration(next, old)
  },
  validateUpdate: validateResize,
}

function resized(old: PodSpec, wanted: PodSpec): PodSpec {
  const next = structuredClone(old)
  for (const list of lists) {
    for (const container of next[list] ?? []) {
      const found = wanted[list]?.find(({ name }) => name === container.name)
      if (!found) continue
      for (const field of ['resources', 'resizePolicy'] as const) {
        if (found[field] === undefined) delete container[field]
        else Object.assign(container, { [field]: found[field] })
      }
    }
  }
  return next
}

function validateResize(next: Pod, old: Pod): FieldError[] {
  const [after, before] = [next.spec ?? { containers: [] }, old.spec ?? { containers: [] }]
  const errors = validatePodSpec(after, spec, 'pod')
  if (before.resources) errors.push(forbidden(Path.of(''), 'pods with pod-level resources cannot be resized'))
  if (old.metadata.annotations?.['kubernetes.io/config.mirror']) {
    errors.push(forbidden(Path.of(''), 'static pods cannot be resized'))
  }
  if (before.os?.name === 'windows') errors.push(forbidden(Path.of(''), 'windows pods cannot be resized'))
  if ((old.status?.qosClass ?? qosClass(old)) !== qosClass(next)) {
    errors.push(invalid(spec, next.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'))
  }
  for (const list of lists) {
    before[list]?.forEach((container, i) => {
      const changed = after[list]?.[i]
      if (changed) errors.push(...validateContainer(changed, container, list, spec.child(list).index(i)))
    })
  }
  return errors
}

function validateContainer(after: Container, before: Container, list: (typeof lists)[number], at: Path): FieldError[] {
  const removed = (['requests', 'limits'] as const).flatMap((kind) => {
    const kept = after.resources?.[kind] ?? {}
    const gone = Object.keys(before.resources?.[kind] ?? {}).some((name) => kept[name] === undefined)
    return gone ? forbidden(at.child('resources').child(kind), `resource ${kind} cannot be removed`) : []
  })
  const mayChange = list === 'containers' || before.restartPolicy === 'Always'
  if (!mayChange) {
    return sameValue(after, before)
      ? removed
      : [...removed, forbidden(spec, 'only cpu and memory resources for sidecar containers are mutable')]
  }
  if (sameValue(withoutMutable(after), withoutMutable(before))) return removed
  return [...removed, forbidden(spec, 'only cpu and memory resources are mutable')]
}

function withoutMutable(container: Container): Container {
  const without = (amounts: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(amounts).filter(([name]) => mutable.every((one) => one !== name)))
  const { resources = {}, ...others } = container
  const { requests, limits, ...claims } = resources
  return { ...others, resources: { ...claims, requests: without(requests), limits: without(limits) } }
}
