/**
 * ResourceQuota: a namespace holds no more than its quotas allow. What a write adds is put down in the quotas' status
 * before the object is stored; the controller counts anew what was put down for nothing, and what is gone.
 */
import type { ResourceQuota } from '../../../api/generated/v1.ts'
import type { KubeObject } from '../../../api/machinery/object.ts'
import { isReason } from '../../../api/machinery/status.ts'
import { resources } from '../../../client/resources.ts'
import type { ResourceRequest, ServerContext } from '../../context.ts'
import { updateObject } from '../../write/update.ts'
import { type AdmissionAttributes, type AdmissionPlugin, refused } from '../plugin.ts'
import { type Added, addition, concerned, refusal, usedWith } from './check.ts'

/** What no quota is about. */
const free = new Set(['events', 'events.events.k8s.io'])

export const resourceQuota: AdmissionPlugin = {
  name: 'ResourceQuota',
  resources: 'namespaced',
  /** Most namespaces have no quota: then nothing is waited for. */
  validate(context, attributes) {
    const { operation, request } = attributes
    if (operation === 'DELETE' || !isCounted(request) || free.has(nameOf(attributes))) return undefined
    const cache = context.objects.loadedCache(resources.resourceQuotas)
    if (cache) return checkAll(context, attributes, cache.list(request.namespace))
    return context.objects
      .cache(resources.resourceQuotas)
      .then((loaded) => checkAll(context, attributes, loaded.list(request.namespace)))
  },
}

/** The objects themselves, and pods that are resized in place. */
function isCounted({ subresource }: ResourceRequest): boolean {
  return subresource === '' || subresource === 'resize'
}

function checkAll(
  context: ServerContext,
  attributes: AdmissionAttributes,
  entries: readonly { readonly object: KubeObject }[],
): Promise<void> | undefined {
  if (entries.length === 0) return undefined
  const { object, old } = attributes
  const added = addition(nameOf(attributes), object, old)
  if (!added) return undefined
  const quotas = entries.map((entry): ResourceQuota => entry.object)
  const affected = quotas.filter((quota) => concerned(quota, added).length > 0)
  // All are asked before any is charged.
  for (const quota of affected) requireRoom(attributes, quota, added)
  return attributes.dryRun ? undefined : chargeAll(context, attributes, { quotas: affected, added })
}

async function chargeAll(
  context: ServerContext,
  attributes: AdmissionAttributes,
  { quotas, added }: { quotas: readonly ResourceQuota[]; added: Added },
): Promise<void> {
  for (const { metadata } of quotas) await charge(context, attributes, { name: metadata.name, added })
}

function nameOf({ request }: AdmissionAttributes): string {
  const { group, resource } = request.resource.groupResource
  return group ? `${resource}.${group}` : resource
}

function requireRoom(attributes: AdmissionAttributes, quota: ResourceQuota, added: Added): void {
  const why = refusal(quota, added)
  if (why) throw refused(attributes, why)
}

async function charge(
  context: ServerContext,
  attributes: AdmissionAttributes,
  { name, added }: { name: string; added: Added },
): Promise<void> {
  const resource = context.registry.served(resources.resourceQuotas)
  try {
    await updateObject(
      context,
      { ...attributes.request, resource, name, subresource: 'status' },
      {
        strategy: resource.definition.status ?? {},
        options: { dryRun: false },
        change: (current) => {
          const quota = current.copy() as ResourceQuota
          requireRoom(attributes, quota, added)
          return { ...quota, status: { ...quota.status, used: usedWith(quota, added) } } as KubeObject
        },
      },
    )
  } catch (error) {
    // A quota that went meanwhile limits nothing.
    if (!isReason(error, 'NotFound')) throw error
  }
}
