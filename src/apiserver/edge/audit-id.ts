/** Every answer names its request in the header Audit-Id: by the client's own name for it, or by a new one. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface AuditHeader {
  readonly 'audit-id': string
}

export function auditHeader({ headers }: IncomingMessage): AuditHeader {
  const given = headers['audit-id']
  return { 'audit-id': (Array.isArray(given) ? given[0] : given) || randomUUID() }
}
