/** Messages whose JSON is something else than an object of their fields. */
import { WireError } from './wire.ts'

export type Plain = Record<string, unknown>

export interface Conversion {
  /** undefined: the JSON has no such field. */
  readonly toJson: (fields: Plain) => unknown
  /** `json` is undefined where Go has the zero value. */
  readonly toFields: (json: unknown) => Plain
}

interface ConvertedMessage {
  /** In the notation of fields.json. */
  readonly fields: Readonly<Record<string, string>>
  readonly conversion: Conversion
}

const timestamp = { 1: 'seconds *int64', 2: 'nanos *int32' }
/** Of Go's zero time, 1 January of the year 1, which is no time at all. */
const zeroSeconds = -62_135_596_800
/** JSON can say no later time: 31 December 9999. */
const lastSecond = 253_402_300_799

function secondsOf(time: unknown): number | undefined {
  const seconds = typeof time === 'string' ? Math.floor(Date.parse(time) / 1000) : Number.NaN
  return Number.isNaN(seconds) || seconds === zeroSeconds ? undefined : seconds
}

function timeText({ seconds = 0 }: Plain): string {
  if (typeof seconds !== 'number' || seconds < zeroSeconds || seconds > lastSecond) {
    throw new WireError('Time.MarshalJSON: year outside of range [0,9999]')
  }
  return new Date(seconds * 1000).toISOString().slice(0, 19)
}

const isZeroTime = ({ seconds }: Plain) => seconds === undefined || seconds === zeroSeconds

const time: Conversion = {
  toJson: (fields) => (isZeroTime(fields) ? undefined : `${timeText(fields)}Z`),
  toFields(json) {
    const seconds = secondsOf(json)
    return seconds === undefined ? {} : { seconds, nanos: 0 }
  },
}

const microTime: Conversion = {
  toJson(fields) {
    if (isZeroTime(fields)) return undefined
    const micros = Math.floor(Number(fields['nanos'] ?? 0) / 1000)
    return `${timeText(fields)}.${String(micros).padStart(6, '0')}Z`
  },
  toFields(json) {
    const seconds = secondsOf(json)
    if (seconds === undefined) return {}
    const [, fraction = ''] = /\.(\d{1,6})/.exec(String(json)) ?? []
    return { seconds, nanos: Number(fraction.padEnd(6, '0')) * 1000 }
  },
}

const intOrString: Conversion = {
  toJson: ({ type, intVal = 0, strVal = '' }) => (type === 1 ? strVal : intVal),
  toFields: (json) =>
    typeof json === 'string' ? { type: 1, intVal: 0, strVal: json } : { type: 0, intVal: json ?? 0, strVal: '' },
}

const quantity: Conversion = {
  toJson: ({ string = '' }) => string || '0',
  toFields: (json) => ({ string: json ?? '0' }),
}

/** Text of JSON, of any kind. */
const raw: Conversion = {
  toJson: (fields) => fields['raw'],
  toFields: (json) => (json === undefined ? {} : { raw: json }),
}

/** Lists of strings that Go has named. */
const strings: Conversion = {
  toJson: ({ items = [] }) => items,
  toFields: (json) => ({ items: json ?? [] }),
}

export const conversions: Readonly<Record<string, ConvertedMessage>> = {
  Time: { fields: timestamp, conversion: time },
  MicroTime: { fields: timestamp, conversion: microTime },
  IntOrString: { fields: { 1: 'type int64', 2: 'intVal int32', 3: 'strVal string' }, conversion: intOrString },
  Quantity: { fields: { 1: 'string string' }, conversion: quantity },
  RawExtension: { fields: { 1: 'raw *json' }, conversion: raw },
  FieldsV1: { fields: { 1: 'raw *json' }, conversion: raw },
  Verbs: { fields: { 1: 'items []string' }, conversion: strings },
  ExtraValue: { fields: { 1: 'items []string' }, conversion: strings },
}
