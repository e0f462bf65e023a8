/** Checks of an Event, in whichever version it comes. */
import { sameValue } from '../../common/strategy.ts'
import { checkQualifiedName, immutableMessage } from '../../common/validation.ts'
import type { Event } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path, required } from '../../machinery/field.ts'

/** Kinds outside every namespace have their Events here. */
const clusterEventsNamespaces = ['default', 'kube-system', '']
const shortMax = 128
const messageMax = 1024

/** What the version calls the controller that reports. */
export type ControllerField = 'reportingComponent' | 'reportingController'

export function validateEvent(event: Event, controllerField: ControllerField): FieldError[] {
  return [...validateNamespace(event), ...(event.eventTime ? validateNewFields(event, controllerField) : [])]
}

function validateNamespace(event: Event): FieldError[] {
  const own = event.metadata.namespace ?? ''
  const about = event.involvedObject?.namespace ?? ''
  const fits = about === '' ? clusterEventsNamespaces.includes(own) : own === about
  const path = Path.of('involvedObject', 'namespace')
  return fits ? [] : [invalid(path, about, 'does not match event.namespace')]
}

/** An Event with a time of its own was made by one who knows the newer fields. */
function validateNewFields(event: Event, controllerField: ControllerField): FieldError[] {
  const { reportingComponent = '', reportingInstance = '', action = '', reason = '', message = '' } = event
  const controller = Path.of(controllerField)
  const short = (name: string, value: string) => {
    if (value === '') return [required(Path.of(name))]
    return value.length > shortMax ? [invalid(Path.of(name), '', `can have at most ${shortMax} characters`)] : []
  }
  return [
    ...(reportingComponent === '' ? [required(controller)] : checkQualifiedName(controller, reportingComponent)),
    ...short('reportingInstance', reportingInstance),
    ...short('action', action),
    ...short('reason', reason),
    ...(message.length > messageMax
      ? [invalid(Path.of('message'), '', `can have at most ${messageMax} characters`)]
      : []),
  ]
}

/** What events.k8s.io/v1 asks besides. */
export function validateModernEvent(event: Event): FieldError[] {
  const { type = '' } = event
  const unset = ['firstTimestamp', 'lastTimestamp', 'count', 'source'] as const
  return [
    ...validateEvent(event, 'reportingController'),
    ...validateSeries(event),
    ...(event.eventTime ? [] : [required(Path.of('eventTime'))]),
    ...(type === 'Normal' || type === 'Warning' ? [] : [invalid(Path.of('type'), '', `has invalid value: ${type}`)]),
    ...unset.flatMap((name) => (isSet(event[name]) ? [invalid(Path.of(name), '', 'needs to be unset')] : [])),
  ]
}

function isSet(value: unknown): boolean {
  return Boolean(value) && !(typeof value === 'object' && Object.keys(value ?? {}).length === 0)
}

function validateSeries({ series }: Event): FieldError[] {
  if (!series) return []
  return [
    ...((series.count ?? 0) < 2 ? [invalid(Path.of('series.count'), '', 'should be at least 2')] : []),
    ...(series.lastObservedTime ? [] : [required(Path.of('series.lastObservedTime'))]),
  ]
}

const immutable = [
  ['involvedObject', 'involvedObject'],
  ['reason', 'reason'],
  ['message', 'message'],
  ['source', 'source'],
  ['firstTimestamp', 'firstTimestamp'],
  ['lastTimestamp', 'lastTimestamp'],
  ['count', 'count'],
  ['type', 'type'],
  ['eventTime', 'eventTime'],
  ['action', 'action'],
  ['related', 'related'],
  ['reportingComponent', 'reportingController'],
  ['reportingInstance', 'reportingInstance'],
] as const satisfies (readonly [keyof Event, string])[]

/** Only how often it happened may change. */
export function validateModernEventUpdate(next: Event, old: Event): FieldError[] {
  return [
    ...validateEvent(next, 'reportingController'),
    ...immutable.flatMap(([field, name]) =>
      sameValue(next[field], old[field]) ? [] : [invalid(Path.of(name), next[field], immutableMessage)],
    ),
    ...(sameValue(next.series, old.series) ? [] : validateSeries(next)),
  ]
}
