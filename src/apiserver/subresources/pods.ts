/** pods/binding. */
import type { Binding, Pod } from '../../api/generated/v1.ts'
import { Path, required } from '../../api/machinery/field.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { badRequest, conflictError, invalidError } from '../../api/machinery/status.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { readBody } from '../http/body.ts'
import { json } from '../http/respond.ts'
import { parseWriteOptions } from '../write/options.ts'
import { updateObject } from '../write/update.ts'

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }

/** A scheduler's decision: puts the pod on a node, once. */
export async function handleBinding(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const options = parseWriteOptions(request.query, 'CreateOptions')
  const binding = await readBody<Binding>(request, { group: '', version: 'v1', kind: 'Binding' }, options)
  const pod = { ...request, name: podOf(request, binding) }
  const node = requireTarget(pod, binding)
  const object = { ...binding, metadata: { ...binding.metadata, name: pod.name } }
  const { dryRun } = options
  await context.admission.run('mutate', context, { operation: 'CREATE', request: pod, object, old: undefined, dryRun })
  await updateObject(context, pod, {
    strategy: {},
    options,
    change: (current) => bound(pod, object, { node, now: formatTime(context.clock.now()), current }),
  })
  return json(201, success)
}

/** The path's pod, or the body's where the path (`…/bindings`) names none. */
function podOf({ name }: ResourceRequest, { metadata }: Binding): string {
  const named = metadata?.name ?? ''
  if (!name && !named) throw badRequest('name is required')
  if (name && named && name !== named) throw badRequest('name in URL does not match name in Binding object')
  return name || named
}

function requireTarget(request: ResourceRequest, binding: Binding): string {
  const { kind, name } = binding.target ?? {}
  const path = Path.of('target')
  if (kind && kind !== 'Node')
    throw badRequest(`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node"`)
  if (!name) throw invalidError({ group: '', resource: 'Binding' }, request.name, [required(path.child('name'))])
  return name
}

interface Placement {
  readonly node: string
  readonly now: string
  readonly current: Entry
}

function bound(request: ResourceRequest, binding: Binding, { node, now, current }: Placement): KubeObject {
  const pod = current.copy() as Pod & KubeObject
  const conflict = (why: string) => conflictError({ group: '', resource: 'pods/binding' }, request.name, why)
  const uid = binding.metadata?.uid
  if (uid && uid !== pod.metadata.uid) {
    throw conflict(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`)
  }
  if (pod.metadata.deletionTimestamp) {
    throw conflict(`pod ${request.name} is being deleted, cannot be assigned to a host`)
  }
  if (pod.spec?.nodeName)
    throw conflict(`pod ${request.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`)
  if (pod.spec?.schedulingGates?.length) throw conflict(`pod ${request.name} has non-empty .spec.schedulingGates`)
  pod.spec = { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName: node }
  // Where it was to wait for room says nothing any more.
  delete pod.status?.nominatedNodeName
  for (const field of ['annotations', 'labels'] as const) {
    const added = binding.metadata?.[field]
    if (added) pod.metadata[field] = { ...pod.metadata[field], ...added }
  }
  const conditions = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled')
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: now }
  pod.status = { ...pod.status, conditions: [...conditions, scheduled] }
  return pod
}
