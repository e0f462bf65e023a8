/** Priority: a pod's class becomes a number; and of PriorityClasses, one at most is everybody's. */

import type { PriorityClass } from '../../api/generated/scheduling.k8s.io.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { defaultPreemptionPolicy, systemPriorityClasses } from '../../api/scheduling/priorityclass.ts'
import { resources } from '../../client/resources.ts'
import type { ServerContext } from '../context.ts'
import { type AdmissionAttributes, type AdmissionPlugin, refused } from './plugin.ts'

export const priority: AdmissionPlugin = {
  name: 'Priority',
  resources: ['pods', 'priorityclasses.scheduling.k8s.io'],
  async mutate(context, attributes) {
    const { operation, request, object } = attributes
    const isNewPod = request.resource.definition.kind === 'Pod' && operation === 'CREATE' && request.subresource === ''
    if (isNewPod) await setPriority(context, attributes, object)
  },
  async validate(context, attributes) {
    if (attributes.request.resource.definition.kind === 'PriorityClass') await requireOneDefault(context, attributes)
  },
}

async function setPriority(context: ServerContext, attributes: AdmissionAttributes, { spec }: Pod): Promise<void> {
  if (!spec) return
  const found = spec.priorityClassName
    ? await findClass(context, spec.priorityClassName)
    : (await defaultClasses(context)).toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))[0]
  if (!found && spec.priorityClassName) {
    throw refused(attributes, `no PriorityClass with name ${spec.priorityClassName} was found`)
  }
  const { value = 0, preemptionPolicy = defaultPreemptionPolicy } = found ?? {}
  if (found) spec.priorityClassName = found.metadata.name
  if (spec.priority !== undefined && spec.priority !== value) {
    const why = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`
    throw refused(attributes, why)
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
    const why = `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`
    throw refused(attributes, why)
  }
  spec.priority = value
  spec.preemptionPolicy = preemptionPolicy
}

/** The system's own are there from the first pod on, even if their objects are not. */
async function findClass(context: ServerContext, name: string): Promise<PriorityClass | undefined> {
  const known = systemPriorityClasses.find(({ metadata }) => metadata.name === name)
  return known ?? context.objects.find(resources.priorityClasses, { name })
}

async function defaultClasses(context: ServerContext): Promise<PriorityClass[]> {
  const cache = await context.objects.cache(resources.priorityClasses)
  return cache.list('').flatMap(({ object }) => ((object as PriorityClass).globalDefault ? [object] : []))
}

async function requireOneDefault(context: ServerContext, attributes: AdmissionAttributes): Promise<void> {
  const { operation, object } = attributes
  const { globalDefault, metadata }: PriorityClass = object
  if (!globalDefault || operation === 'DELETE') return
  const other = (await defaultClasses(context)).find((one) => one.metadata.name !== metadata.name)
  if (!other) return
  const why = `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`
  throw refused(attributes, why)
}
