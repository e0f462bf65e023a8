/** API errors: Kubernetes' own Status objects (k8s.io/apimachinery/pkg/api/errors), thrown as StatusError. */
import type { Status } from '../generated/meta.v1.ts'
import type { FieldError } from './field.ts'

/** Group and resource (or kind) an error is about; group '' is the core group. */
export interface GroupResource {
  readonly group: string
  readonly resource: string
}

export class StatusError extends Error {
  readonly status: Status & { code: number }

  constructor({
    message,
    reason,
    details,
    code,
  }: Omit<Status, 'metadata' | 'status' | 'apiVersion' | 'kind'> & { code: number }) {
    super(message)
    this.name = 'StatusError'
    // In the order that Go writes them.
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      ...(message !== undefined && { message }),
      ...(reason !== undefined && { reason }),
      ...(details && { details }),
      code,
    }
  }

  get code(): number {
    return this.status.code
  }

  get reason(): string {
    return this.status.reason ?? ''
  }
}

/** True when `error` is an API error with this reason. */
export function isReason(error: unknown, reason: string): error is StatusError {
  return error instanceof StatusError && error.reason === reason
}

function qualified({ group, resource }: GroupResource): string {
  return group ? `${resource}.${group}` : resource
}

function details({ group, resource }: GroupResource, name: string) {
  return { ...(name && { name }), ...(group && { group }), ...(resource && { kind: resource }) }
}

export function notFoundError(gr: GroupResource, name: string): StatusError {
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(gr)} ${JSON.stringify(name)} not found`,
    details: details(gr, name),
  })
}

export function alreadyExistsError(gr: GroupResource, name: string): StatusError {
  return new StatusError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualified(gr)} ${JSON.stringify(name)} already exists`,
    details: details(gr, name),
  })
}

export function conflictError(gr: GroupResource, name: string, why: string): StatusError {
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualified(gr)} ${JSON.stringify(name)}: ${why}`,
    details: details(gr, name),
  })
}

export const staleObjectMessage =
  'the object has been modified; please apply your changes to the latest version and try again'

/** `gk.resource` is the kind here, as upstream: `Service "web" is invalid: …`. */
export function invalidError(gk: GroupResource, name: string, errors: readonly FieldError[]): StatusError {
  const lines = errors.map((e) => `${e.field}: ${e.message}`)
  const unique = [...new Set(lines)]
  const text = unique.length === 1 ? unique[0] : `[${unique.join(', ')}]`
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: `${qualified(gk)} ${JSON.stringify(name)} is invalid: ${text}`,
    details: {
      ...details(gk, name),
      causes: errors.map((e) => ({ reason: e.type, message: e.message, field: e.field })),
    },
  })
}

export function forbiddenError(gr: GroupResource, name: string, why: string): StatusError {
  const what = name
    ? `${qualified(gr)} ${JSON.stringify(name)} is forbidden: ${why}`
    : gr.resource
      ? `${qualified(gr)} is forbidden: ${why}`
      : `forbidden: ${why}`
  return new StatusError({ code: 403, reason: 'Forbidden', message: what, details: details(gr, name) })
}

export const badRequest = (message: string): StatusError =>
  new StatusError({ code: 400, reason: 'BadRequest', message })

export const unauthorized = (): StatusError =>
  new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' })

export const serviceUnavailable = (message: string): StatusError =>
  new StatusError({ code: 503, reason: 'ServiceUnavailable', message })

export const expired = (message: string): StatusError => new StatusError({ code: 410, reason: 'Expired', message })

export const gone = (message: string): StatusError => new StatusError({ code: 410, reason: 'Gone', message })

export const internalError = (message: string): StatusError =>
  new StatusError({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  })
