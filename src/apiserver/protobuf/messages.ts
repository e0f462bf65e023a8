/**
 * The API's messages as the codec needs them. The facts are in fields.json (see extract.ts), by message and number:
 *
 *   "name string"            in Go a value: its zero is written, and on reading means nothing
 *   "replicas *int32"        in Go a pointer: written when it is there, whatever it is
 *   "ports []ServicePort"    of the same group version; of another `meta/v1.ObjectMeta`
 *   "labels {}string"        keys are strings
 *   "= VolumeSource"         embedded in Go: a message on the wire, while in JSON its fields are the outer object's
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Conversion, conversions } from './conversions.ts'

const scalarTypes = ['string', 'bool', 'int32', 'int64', 'bytes', 'json'] as const

/** `bytes` are base64 in JSON; `json` is the text of any JSON value. */
export type ScalarType = (typeof scalarTypes)[number]

export interface Field {
  readonly number: number
  /** As in JSON; '' for what is embedded. */
  readonly name: string
  readonly label: 'embedded' | 'value' | 'pointer' | 'list' | 'map'
  readonly type: ScalarType | Message
}

export class Message {
  /** `v1.Service`, `meta/v1.ObjectMeta`; `Time` and other names without a dot for what is no object in JSON. */
  readonly name: string
  /** Between its fields and its JSON, where that is not the object of its fields. */
  readonly conversion: Conversion | undefined
  readonly #source: Readonly<Record<string, string>>
  #fields: readonly Field[] | undefined
  #byNumber: ReadonlyMap<number, Field> | undefined

  constructor(name: string, source: Readonly<Record<string, string>>, conversion?: Conversion) {
    this.name = name
    this.conversion = conversion
    this.#source = source
  }

  /** In the order of their numbers, which is the order on the wire. Made at first use: not every type is met. */
  get fields(): readonly Field[] {
    this.#fields ??= Object.entries(this.#source).map(([number, text]) => parseField(this.name, Number(number), text))
    return this.#fields
  }

  get byNumber(): ReadonlyMap<number, Field> {
    this.#byNumber ??= new Map(this.fields.map((field) => [field.number, field]))
    return this.#byNumber
  }
}

const labels = { '*': 'pointer', '[]': 'list', '{}': 'map' } as const

function parseField(messageName: string, number: number, text: string): Field {
  const [, name = '', mark = '', typeName = ''] = /^(\S+) (\*|\[\]|\{\})?(\S+)$/.exec(text) ?? []
  const label = name === '=' ? 'embedded' : mark ? labels[mark as keyof typeof labels] : 'value'
  return { number, name: name === '=' ? '' : name, label, type: parseType(messageName, typeName) }
}

function parseType(messageName: string, typeName: string): ScalarType | Message {
  const scalar = scalarTypes.find((known) => known === typeName)
  if (scalar) return scalar
  const home = messageName.slice(0, messageName.lastIndexOf('.'))
  const name = typeName.includes('.') || Object.hasOwn(conversions, typeName) ? typeName : `${home}.${typeName}`
  const message = findMessage(name)
  if (!message) throw new Error(`fields.json names ${name} and does not have it`)
  return message
}

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>

let table: Table | undefined
const known = new Map<string, Message>()

/** The message of a type; undefined when there is none. */
export function findMessage(name: string): Message | undefined {
  let message = known.get(name)
  if (!message) {
    message = makeMessage(name)
    if (message) known.set(name, message)
  }
  return message
}

function makeMessage(name: string): Message | undefined {
  if (Object.hasOwn(conversions, name)) {
    const { fields, conversion } = conversions[name]!
    return new Message(name, fields, conversion)
  }
  table ??= JSON.parse(readFileSync(join(import.meta.dirname, 'fields.json'), 'utf8')) as Table
  return Object.hasOwn(table, name) ? new Message(name, table[name]!) : undefined
}

/** Kinds that every group version has. */
const kindsEverywhere = /^(?:WatchEvent|(?:List|Get|Delete|Create|Update|Patch|Apply)Options)$/
/** Kinds of meta.k8s.io that go by v1. */
const unversionedKinds = /^(?:Status|APIVersions|APIGroup|APIGroupList|APIResourceList)$/

/** The message of an object's kind; undefined when there is none. */
export function messageOfKind(apiVersion: string, kind: string): Message | undefined {
  const unversioned = (apiVersion === 'v1' || apiVersion === '') && unversionedKinds.test(kind)
  if (unversioned || apiVersion === 'meta.k8s.io/v1' || kindsEverywhere.test(kind))
    return findMessage(`meta/v1.${kind}`)
  return findMessage(`${apiVersion}.${kind}`)
}
