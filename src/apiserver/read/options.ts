/** Query parameters of get, list and watch, checked as Kubernetes checks them (metav1.ListOptions). */
import { type FieldError, forbidden, notSupported, notSupportedAsListed, Path } from '../../api/machinery/field.ts'
import { badRequest, invalidError } from '../../api/machinery/status.ts'
import type { IncludeObject } from '../http/negotiation.ts'

export interface ListOptions {
  readonly labelSelector: string
  readonly fieldSelector: string
  readonly watch: boolean
  readonly allowWatchBookmarks: boolean
  /** '' when not given. */
  readonly resourceVersion: string
  readonly resourceVersionMatch: string
  readonly timeoutSeconds: number | undefined
  /** 0: no limit. */
  readonly limit: number
  readonly continue: string
  readonly sendInitialEvents: boolean | undefined
}

export function parseListOptions(query: URLSearchParams): ListOptions {
  const timeoutSeconds = query.get('timeoutSeconds')
  const options = withDefaults({
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    watch: parseBoolean(query, 'watch') ?? false,
    allowWatchBookmarks: parseBoolean(query, 'allowWatchBookmarks') ?? false,
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    timeoutSeconds: timeoutSeconds ? parseInteger(timeoutSeconds) : undefined,
    limit: Math.max(0, parseInteger(query.get('limit') || '0')),
    continue: query.get('continue') ?? '',
    sendInitialEvents: parseBoolean(query, 'sendInitialEvents'),
  })
  const errors = options.watch ? validateWatch(options) : validateList(options)
  if (errors.length > 0) throw invalidError({ group: 'meta.k8s.io', resource: 'ListOptions' }, '', errors)
  return options
}

/** A watch that names no version wants what exists first: the long form of that. */
function withDefaults(options: ListOptions): ListOptions {
  const { watch, sendInitialEvents, resourceVersion, resourceVersionMatch } = options
  const named = resourceVersion !== '' && resourceVersion !== '0'
  if (!watch || named || sendInitialEvents !== undefined || resourceVersionMatch !== '') return options
  return { ...options, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
}

/** A resourceVersion as a number; '' is 0. */
export function parseResourceVersion(text: string): number {
  if (text === '') return 0
  const digits = /^\d+$/.test(text)
  if (digits && (text.length < 20 || BigInt(text) <= uint64Max)) return Number(text)
  const quoted = JSON.stringify(text)
  const why = `strconv.ParseUint: parsing ${quoted}: ${digits ? 'value out of range' : 'invalid syntax'}`
  throw badRequest(`invalid resource version: resourceVersion: Invalid value: ${quoted}: ${why}`)
}

const uint64Max = 2n ** 64n - 1n

/** As Go's conversion of query parameters: present without a value means true. */
export function parseBoolean(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  return !(value === 'false' || value === '0')
}

export function parseInteger(text: string): number {
  const value = Number(text)
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return value
}

const matchPath = Path.of('resourceVersionMatch')
const initialEventsPath = Path.of('sendInitialEvents')

function validateList(options: ListOptions): FieldError[] {
  const errors: FieldError[] = []
  const match = options.resourceVersionMatch
  if (match) {
    if (!options.resourceVersion) {
      errors.push(forbidden(matchPath, 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    }
    if (options.continue) {
      errors.push(forbidden(matchPath, 'resourceVersionMatch is forbidden when continue is provided'))
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(notSupportedAsListed(matchPath, match, ['Exact', 'NotOlderThan', '']))
    }
    if (match === 'Exact' && options.resourceVersion === '0') {
      errors.push(forbidden(matchPath, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbidden(initialEventsPath, 'sendInitialEvents is forbidden for list'))
  }
  return errors
}

function validateWatch(options: ListOptions): FieldError[] {
  const errors: FieldError[] = []
  const match = options.resourceVersionMatch
  if (options.sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.push(forbidden(matchPath, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  }
  if (match) {
    if (options.sendInitialEvents === undefined) {
      errors.push(
        forbidden(matchPath, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
      )
    }
    if (match !== 'NotOlderThan') errors.push(notSupported(matchPath, match, ['NotOlderThan']))
    if (options.continue) {
      errors.push(forbidden(matchPath, 'resourceVersionMatch is forbidden when continue is provided'))
    }
  }
  return errors
}

/** What the rows of a Table carry of their objects (metav1.TableOptions). */
export function includeOf(query: URLSearchParams): IncludeObject {
  const include = query.get('includeObject') ?? ''
  switch (include) {
    case '':
    case 'Metadata':
      return 'Metadata'
    case 'None':
    case 'Object':
      return include
    default:
      throw badRequest(`unrecognized includeObject value: ${JSON.stringify(include)}`)
  }
}
