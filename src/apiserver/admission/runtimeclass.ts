/** RuntimeClass: what a pod's way of running costs and where it can run is the class's to say. */

import { sameValue } from '../../api/common/strategy.ts'
import type { RuntimeClass } from '../../api/generated/node.k8s.io.v1.ts'
import type { Pod, PodSpec } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { type AdmissionAttributes, type AdmissionPlugin, refused } from './plugin.ts'

export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  resources: ['pods'],
  async mutate(context, attributes) {
    const { operation, request, object } = attributes
    const { spec }: Pod = object
    if (operation !== 'CREATE' || request.subresource !== '' || !spec?.runtimeClassName) return
    const name = spec.runtimeClassName
    const found = await context.objects.find(resources.runtimeClasses, { name })
    if (!found) throw refused(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
    setOverhead(attributes, spec, found)
    setScheduling(attributes, spec, found)
  },
}

function setOverhead(attributes: AdmissionAttributes, spec: PodSpec, { overhead }: RuntimeClass): void {
  if (overhead?.podFixed === undefined) return
  if (spec.overhead && !sameValue(spec.overhead, overhead.podFixed)) {
    throw refused(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
  }
  spec.overhead = { ...overhead.podFixed }
}

function setScheduling(attributes: AdmissionAttributes, spec: PodSpec, { scheduling }: RuntimeClass): void {
  const { nodeSelector = {}, tolerations = [] } = scheduling ?? {}
  for (const [key, value] of Object.entries(nodeSelector)) {
    const own = spec.nodeSelector?.[key]
    if (own !== undefined && own !== value) {
      const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`
      throw refused(attributes, why)
    }
  }
  if (Object.keys(nodeSelector).length > 0) spec.nodeSelector = { ...spec.nodeSelector, ...nodeSelector }
  const own = spec.tolerations ?? []
  const added = tolerations.filter((toleration) => !own.some((one) => sameValue(one, toleration)))
  if (added.length > 0) spec.tolerations = [...own, ...added]
}
