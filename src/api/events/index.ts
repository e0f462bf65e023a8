/**
 * The group events.k8s.io, v1: Events as newer recorders write them. They are those of the core group under other names
 * for some fields, and are stored as such.
 */
import { eventColumns } from '../core/event/columns.ts'
import { validateModernEvent, validateModernEventUpdate } from '../core/event/validation.ts'
import type { Event } from '../generated/events.k8s.io.v1.ts'
import type * as core from '../generated/v1.ts'
import { declareResource, type ResourceDefinition } from '../resource.ts'

/** Fields that have another name here: the core group's first. */
const renamed = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
] as const satisfies (readonly [keyof core.Event, keyof Event])[]

function toCore(event: Event): core.Event {
  const stored: Record<string, unknown> = { ...event }
  for (const [there, here] of renamed) rename(stored, here, there)
  stored['involvedObject'] ??= {}
  return stored as unknown as core.Event
}

function fromCore(stored: core.Event): Event {
  const event: Record<string, unknown> = { ...stored }
  for (const [there, here] of renamed) rename(event, there, here)
  return event as unknown as Event
}

function rename(object: Record<string, unknown>, from: string, to: string): void {
  if (object[from] === undefined) return
  object[to] = object[from]
  delete object[from]
}

const regardingFields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const

const eventDefinition = declareResource<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  namespaced: true,
  shortNames: ['ev'],
  storedAs: {
    group: '',
    version: 'v1',
    kind: 'Event',
    toStored: toCore,
    fromStored: (stored) => fromCore(stored as core.Event),
  },
  validate: (event) => validateModernEvent(toCore(event)),
  validateUpdate: (next, old) => validateModernEventUpdate(toCore(next), toCore(old)),
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  selectableFields: {
    ...Object.fromEntries(
      regardingFields.map((name) => [`regarding.${name}`, (event: Event) => event.regarding?.[name] ?? '']),
    ),
    reason: (event) => event.reason ?? '',
    reportingController: (event) => event.reportingController ?? '',
    type: (event) => event.type ?? '',
  },
  columns: eventColumns.map((column) => ({
    ...column,
    cell: (event: Event, now: Date) => column.cell(toCore(event), now),
  })),
})

export const eventsDefinitions: readonly ResourceDefinition[] = [eventDefinition]
