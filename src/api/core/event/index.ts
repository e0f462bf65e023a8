/** Event. */
import type { Event } from '../../generated/v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const eventDefinition = declareResource<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  namespaced: true,
  shortNames: ['ev'],
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
