/** ComponentStatuses: every part of the control plane is asked when a client asks. */
import type { ComponentStatus } from '../api/generated/v1.ts'
import { notFoundError } from '../api/machinery/status.ts'
import type { ApiResponse } from '../client/transport.ts'
import type { ResourceRequest, ServerContext } from './context.ts'
import { json } from './http/respond.ts'
import { parseListOptions } from './read/options.ts'
import { select } from './read/selection.ts'

const typeMeta = { kind: 'ComponentStatus', apiVersion: 'v1' }

export async function handleComponentStatuses(
  { components }: ServerContext,
  { resource, name, query }: ResourceRequest,
): Promise<ApiResponse> {
  if (name) {
    const check = components.get(name)
    if (!check) throw notFoundError(resource.groupResource, name)
    return json(200, { ...typeMeta, ...(await statusOf(name, check)) })
  }
  const { labelSelector, fieldSelector } = parseListOptions(query)
  const { matches } = select(resource, { labelSelector, fieldSelector, namespace: '' })
  const all = await Promise.all([...components].map(([component, check]) => statusOf(component, check)))
  const items = all.filter((object) => matches({ name: object.metadata.name, namespace: '', object }))
  return json(200, { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items })
}

async function statusOf(name: string, check: () => Promise<void>) {
  const condition = await check().then(
    () => ({ type: 'Healthy', status: 'True', message: 'ok' }),
    (error: unknown) => ({
      type: 'Healthy',
      status: 'False',
      error: error instanceof Error ? error.message : String(error),
    }),
  )
  return { metadata: { name }, conditions: [condition] } satisfies ComponentStatus
}
