/** LimitRanger: the namespace's LimitRanges, on new pods, on those that are resized, and on claims. */
import type { LimitRange, LimitRangeItem } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import type { ServerContext } from '../context.ts'
import { applyDefaults, claimProblems, podProblems } from './limits.ts'
import { type AdmissionAttributes, type AdmissionPlugin, refused } from './plugin.ts'

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  resources: ['pods', 'persistentvolumeclaims'],
  async mutate(context, attributes) {
    if (!isNewPod(attributes)) return
    applyDefaults(attributes.object, await itemsOf(context, attributes))
  },
  async validate(context, attributes) {
    const { operation, request, object } = attributes
    const isClaim = request.resource.definition.kind === 'PersistentVolumeClaim'
    if (operation === 'DELETE' || !((isClaim && request.subresource === '') || isPodToSize(attributes))) return
    const items = await itemsOf(context, attributes)
    const problems = isClaim ? claimProblems(object, items) : podProblems(object, items)
    const unique = [...new Set(problems)]
    if (unique.length > 0) throw refused(attributes, unique.length === 1 ? unique[0]! : `[${unique.join(', ')}]`)
  },
}

function isNewPod({ operation, request }: AdmissionAttributes): boolean {
  return operation === 'CREATE' && request.subresource === '' && request.resource.definition.kind === 'Pod'
}

function isPodToSize(attributes: AdmissionAttributes): boolean {
  const { subresource, resource } = attributes.request
  return isNewPod(attributes) || (subresource === 'resize' && resource.definition.kind === 'Pod')
}

async function itemsOf(context: ServerContext, { request }: AdmissionAttributes): Promise<LimitRangeItem[]> {
  const cache =
    context.objects.loadedCache(resources.limitRanges) ?? (await context.objects.cache(resources.limitRanges))
  return cache.list(request.namespace).flatMap(({ object }) => (object as LimitRange).spec?.limits ?? [])
}
