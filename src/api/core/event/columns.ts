/** `kubectl get events`. */
import { nameColumn } from '../../common/columns.ts'
import type { Event } from '../../generated/v1.ts'
import { age } from '../../machinery/time.ts'
import type { Column } from '../../resource.ts'

function firstSeen(event: Event, now: Date): string {
  return age(event.firstTimestamp ?? event.eventTime, now)
}

function lastSeen(event: Event, now: Date): string {
  if (event.series) return age(event.series.lastObservedTime, now)
  return event.lastTimestamp ? age(event.lastTimestamp, now) : firstSeen(event, now)
}

function object({ involvedObject }: Event): string {
  const kind = (involvedObject.kind ?? '').toLowerCase()
  return involvedObject.name ? `${kind}/${involvedObject.name}` : kind
}

function source({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || ''
  const host = source?.host || reportingInstance || ''
  return host ? `${component}, ${host}` : component
}

export const eventColumns: readonly Column<Event>[] = [
  { name: 'Last Seen', type: 'string', cell: lastSeen },
  { name: 'Type', type: 'string', cell: (event) => event.type ?? '' },
  { name: 'Reason', type: 'string', cell: (event) => event.reason ?? '' },
  { name: 'Object', type: 'string', cell: object },
  { name: 'Subobject', type: 'string', priority: 1, cell: (event) => event.involvedObject.fieldPath ?? '' },
  { name: 'Source', type: 'string', priority: 1, cell: source },
  { name: 'Message', type: 'string', cell: (event) => (event.message ?? '').trim() },
  { name: 'First Seen', type: 'string', priority: 1, cell: firstSeen },
  { name: 'Count', type: 'string', priority: 1, cell: (event) => event.series?.count ?? (event.count || 1) },
  { ...nameColumn, priority: 1 },
]
