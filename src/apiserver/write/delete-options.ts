/** DeleteOptions, which a client sends in the body or in the query. */
import { type FieldError, invalid, notSupportedAsListed, Path } from '../../api/machinery/field.ts'
import { conflictError, invalidError } from '../../api/machinery/status.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest } from '../context.ts'
import { readBody } from '../http/body.ts'
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

const typeName = 'meta/v1.DeleteOptions'

/** DeleteOptions are sent as a kind of the request's group version, of v1, or of meta.k8s.io/v1. */
async function fromBody(request: ResourceRequest): Promise<DeleteOptions> {
  const { group, version } = request.resource.definition
  const sent = (candidate: string) => request.body.includes(candidate)
  const of = sent('meta.k8s.io/v1')
    ? { group: 'meta.k8s.io', version: 'v1' }
    : group && sent(request.resource.apiVersion)
      ? { group, version }
      : { group: '', version: 'v1' }
  const kind = { ...of, kind: 'DeleteOptions' }
  return readBody<DeleteOptions>(request, kind, { fieldValidation: 'Ignore' }, typeName)
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

function validateDeleteOptions(options: DeleteOptions): void {
  const errors: FieldError[] = dryRunErrors(options.dryRun ?? [])
  const { propagationPolicy, orphanDependents } = options
  const policyPath = Path.of('propagationPolicy')
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set'
    errors.push(invalid(policyPath, propagationPolicy, why))
  }
  const policies = ['Foreground', 'Background', 'Orphan']
  if (propagationPolicy && !policies.includes(propagationPolicy)) {
    errors.push(notSupportedAsListed(policyPath, propagationPolicy, [...policies, 'nil']))
  }
  if (errors.length > 0) throw invalidError({ group: 'meta.k8s.io', resource: 'DeleteOptions' }, '', errors)
}

export function requirePreconditions(request: ResourceRequest, options: DeleteOptions, current: Entry): void {
  const { uid, resourceVersion } = options.preconditions ?? {}
  const found = current.object.metadata
  // Upstream names the kind here, not the resource.
  const fail = (why: string) => conflictError(request.resource.groupKind, request.name, why)
  if (uid !== undefined && uid !== found.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${found.uid})`
    throw fail(`${why}. The object might have been deleted and then recreated`)
  }
  if (resourceVersion !== undefined && resourceVersion !== String(current.revision)) {
    const record = `the ResourceVersion in record (${current.revision})`
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match ${record}`
    throw fail(`${why}. The object might have been modified`)
  }
}
