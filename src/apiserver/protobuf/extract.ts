/**
 * Writes fields.json: what a protobuf codec must know of each API message, read from the message descriptors that a
 * `kubectl` program of 1.33 carries (later ones have none any more), with additions.ts over it. Run by hand when
 * the API models change: `node src/apiserver/protobuf/extract.ts KUBECTL`. messages.ts says how to read the
 * outcome.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { additions, inlined, jsonNames } from './additions.ts'
import { WireReader, wireTypes } from './wire.ts'

/** Proto packages and the group versions (as the generated schemas name them) they describe. */
const packages: Readonly<Record<string, string>> = {
  'k8s.io.apimachinery.pkg.apis.meta.v1': 'meta/v1',
  'k8s.io.api.core.v1': 'v1',
  'k8s.io.api.apps.v1': 'apps/v1',
  'k8s.io.api.authentication.v1': 'authentication.k8s.io/v1',
  'k8s.io.api.authorization.v1': 'authorization.k8s.io/v1',
  'k8s.io.api.autoscaling.v1': 'autoscaling/v1',
  'k8s.io.api.autoscaling.v2': 'autoscaling/v2',
  'k8s.io.api.batch.v1': 'batch/v1',
  'k8s.io.api.coordination.v1': 'coordination.k8s.io/v1',
  'k8s.io.api.discovery.v1': 'discovery.k8s.io/v1',
  'k8s.io.api.events.v1': 'events.k8s.io/v1',
  'k8s.io.api.networking.v1': 'networking.k8s.io/v1',
  'k8s.io.api.node.v1': 'node.k8s.io/v1',
  'k8s.io.api.policy.v1': 'policy/v1',
  'k8s.io.api.rbac.v1': 'rbac.authorization.k8s.io/v1',
  'k8s.io.api.scheduling.v1': 'scheduling.k8s.io/v1',
  'k8s.io.api.storage.v1': 'storage.k8s.io/v1',
}

/** FieldDescriptorProto.Type, as far as the API uses it. */
const scalars: Readonly<Record<string, string>> = { 3: 'int64', 5: 'int32', 8: 'bool', 9: 'string', 12: 'bytes' }

/** Messages whose JSON is no object of their fields; values.ts knows them. */
const special = /^(?:Time|MicroTime|Quantity|IntOrString|RawExtension|FieldsV1|Duration|Verbs|ExtraValue)$/

/** A number, or a string or message still as bytes. */
type Value = number | Buffer
type Fields = Map<number, Value>

function* wireFields(buffer: Buffer): Generator<[number, Value]> {
  const end = buffer.length
  for (const reader = new WireReader(buffer); reader.at < end; ) {
    const { number, wireType } = reader.tag(end)
    if (wireType === wireTypes.varint) yield [number, reader.int64(end)]
    else if (wireType === wireTypes.bytes) yield [number, reader.bytes(end)]
    else reader.skip(wireType, end)
  }
}

const fieldsOf = (message: Value | undefined): Fields => new Map(wireFields(message as Buffer))

const repeatedOf = (message: Value, number: number): Value[] =>
  [...wireFields(message as Buffer)].filter(([found]) => found === number).map(([, value]) => value)

/** FileDescriptorProto: 2 is the package, 4 its messages. DescriptorProto: 1 name, 2 fields, 3 nested messages. */
function messages(descriptor: Buffer): Record<string, Record<string, string>> {
  const groupVersion = packages[String(fieldsOf(descriptor).get(2))]
  if (!groupVersion) return {}
  const found: Record<string, Record<string, string>> = {}
  for (const message of repeatedOf(descriptor, 4)) {
    const name = `${groupVersion}.${String(fieldsOf(message).get(1))}`
    if (!special.test(name.slice(name.lastIndexOf('.') + 1))) found[name] = numbersOf(message, name, groupVersion)
  }
  return found
}

/** FieldDescriptorProto: 1 name, 3 number, 4 label (3: repeated), 5 type (11: message), 6 message name, 8 options. */
function numbersOf(message: Value, messageName: string, groupVersion: string): Record<string, string> {
  const nested = new Map(repeatedOf(message, 3).map((entry) => [String(fieldsOf(entry).get(1)), entry]))
  const numbers: Record<string, string> = {}
  for (const source of repeatedOf(message, 2)) {
    const field = fieldsOf(source)
    const key = `${messageName}.${String(field.get(1))}`
    const name = inlined.includes(key) ? '=' : (jsonNames[key] ?? String(field.get(1)))
    numbers[String(field.get(3))] = `${name} ${shapeOf(field, nested, groupVersion)}`
  }
  return numbers
}

/** gogoproto.nullable. */
const nullableOption = 65001

function shapeOf(field: Fields, nested: ReadonlyMap<string, Value>, groupVersion: string): string {
  const entry = nested.get(String(field.get(6)).split('.').at(-1) ?? '')
  if (entry) {
    const value = repeatedOf(entry, 2).find((part) => fieldsOf(part).get(3) === 2)
    return `{}${typeOf(fieldsOf(value), groupVersion)}`
  }
  const type = typeOf(field, groupVersion)
  if (field.get(4) === 3) return `[]${type}`
  const options = field.get(8)
  const nullable = !options || fieldsOf(options).get(nullableOption) !== 0
  return nullable ? `*${type}` : type
}

function typeOf(field: Fields, groupVersion: string): string {
  if (field.get(5) !== 11) return scalars[String(field.get(5))]!
  const parts = String(field.get(6)).split('.').slice(1)
  const name = parts.pop()!
  if (special.test(name)) return name
  const home = packages[parts.join('.')]
  return home === groupVersion ? name : `${home}.${name}`
}

function descriptorsIn(program: Buffer): Buffer[] {
  const found: Buffer[] = []
  const magic = Buffer.from([0x1f, 0x8b, 0x08])
  for (let at = program.indexOf(magic); at >= 0; at = program.indexOf(magic, at + 1)) {
    try {
      const text = gunzipSync(program.subarray(at, at + 256 * 1024), { finishFlush: 2 })
      if (text.includes('k8s.io')) found.push(text)
    } catch {
      // Three bytes that look like the start of a gzip stream and are none.
    }
  }
  return found
}

const program = process.argv[2]
if (!program) throw new Error('usage: extract.ts KUBECTL')
const table: Record<string, Record<string, string>> = {}
for (const descriptor of descriptorsIn(readFileSync(program))) {
  try {
    Object.assign(table, messages(descriptor))
  } catch {
    // Not a descriptor.
  }
}
for (const [name, fields] of Object.entries(additions)) table[name] = { ...table[name], ...fields }
const lines = Object.keys(table)
  .sort()
  .map((name) => `${JSON.stringify(name)}:${JSON.stringify(table[name])}`)
writeFileSync(join(import.meta.dirname, 'fields.json'), `{\n${lines.join(',\n')}\n}\n`)
