/** DeleteOptions, which a client sends in the body or in the query. */
import { decodeBody } from '../../api/machinery/body.ts'
import { type FieldError, Path, invalid, notSupported } from '../../api/machinery/field.ts'
import { conflictError, invalidError } from '../../api/machinery/status.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest } from '../context.ts'
import { requireBodyType } from '../http/body.ts'
import { parseBoolean, parseInteger } from '../read/options.ts'
import { dryRunErrors } from './options.ts'

export interface DeleteOptions {
  readonly dryRun?: readonly string[]
  readonly gracePeriodSeconds?: number
  readonly orphanDependents?: boolean
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
}

export async function readDeleteOptions(request: ResourceRequest): Promise<DeleteOptions> {
  const options = request.body.length > 0 ? await fromBody(request) : fromQuery(request.query)
  validateDeleteOptions(options)
  return options
}

async function fromBody(request: ResourceRequest): Promise<DeleteOptions> {
  const contentType = requireBodyType(request)
  const gvk = { group: '', version: 'v1', kind: 'DeleteOptions' }
  const sent = { contentType, fieldValidation: 'Ignore' } as const
  const { object } = await decodeBody<DeleteOptions>(deleteOptionsKind(request, gvk), request.body, sent, typeName)
  return object
}

const typeName = 'meta/v1.DeleteOptions'

/** DeleteOptions are of the group version of the request, or of v1. */
function deleteOptionsKind(request: ResourceRequest, core: { group: string; version: string; kind: string }) {
  const { group, version } = request.resource.definition
  return request.body.includes(`"${request.resource.apiVersion}"`) ? { ...core, group, version } : core
}

function fromQuery(query: URLSearchParams): DeleteOptions {
  const grace = query.get('gracePeriodSeconds')
  const orphanDependents = parseBoolean(query, 'orphanDependents')
  const policy = query.get('propagationPolicy')
  return {
    dryRun: query.getAll('dryRun'),
    ...(grace && { gracePeriodSeconds: parseInteger(grace) }),
    ...(orphanDependents !== undefined && { orphanDependents }),
    ...(policy && { propagationPolicy: policy as DeleteOptions['propagationPolicy'] }),
  }
}

export function validateDeleteOptions(options: DeleteOptions): void {
  const errors: FieldError[] = dryRunErrors(options.dryRun ?? [])
  const { propagationPolicy, orphanDependents } = options
  const policyPath = Path.of('propagationPolicy')
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set'
    errors.push(invalid(policyPath, propagationPolicy, why))
  }
  const policies = ['Foreground', 'Background', 'Orphan']
  if (propagationPolicy && !policies.includes(propagationPolicy)) {
    errors.push(notSupported(policyPath, propagationPolicy, [...policies, 'nil']))
  }
  if (errors.length > 0) throw invalidError({ group: '', resource: 'DeleteOptions' }, '', errors)
}

export function requirePreconditions(request: ResourceRequest, options: DeleteOptions, current: Entry): void {
  const { uid, resourceVersion } = options.preconditions ?? {}
  const found = current.object.metadata
  const fail = (what: string, wanted: string, have: string) =>
    conflictError(
      request.resource.groupResource,
      request.name,
      `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${have}`,
    )
  if (uid !== undefined && uid !== found.uid) throw fail('UID', uid, found.uid ?? '')
  if (resourceVersion !== undefined && resourceVersion !== String(current.revision)) {
    throw fail('ResourceVersion', resourceVersion, String(current.revision))
  }
}
