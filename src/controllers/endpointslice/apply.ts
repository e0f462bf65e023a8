/** Writes a plan's slices, and remembers what was written until the watch has brought it back. */
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerClient } from '../context.ts'
import { isNamespaceTerminating } from '../endpoints/controller.ts'
import type { Written } from '../endpoints/written.ts'
import type { Changes } from './pack.ts'
import { forWriting } from './slice.ts'

export interface SliceWriter {
  readonly client: ControllerClient
  readonly written: Written<EndpointSlice>
}

/** True when there was something to write. */
export async function applySlices(writer: SliceWriter, changes: Changes): Promise<boolean> {
  await Promise.all([
    ...changes.create.map((slice) => write(writer, slice, 'create')),
    ...changes.update.map((slice) => write(writer, slice, 'update')),
    ...changes.delete.map((slice) => remove(writer, slice)),
  ])
  return changes.create.length + changes.update.length + changes.delete.length > 0
}

async function write({ client, written }: SliceWriter, slice: EndpointSlice, how: 'create' | 'update'): Promise<void> {
  try {
    written.put(await client[how](resources.endpointSlices, forWriting(slice)))
  } catch (error) {
    if (how === 'create' && isNamespaceTerminating(error)) return
    written.forget(objectKey(slice))
    throw error
  }
}

async function remove({ client, written }: SliceWriter, slice: EndpointSlice): Promise<void> {
  const { name, namespace, uid } = slice.metadata
  const at = { name, ...(namespace && { namespace }) }
  try {
    await client.delete(resources.endpointSlices, at, { ...(uid && { preconditions: { uid } }) })
  } catch (error) {
    if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error
  }
  written.delete(slice)
}
