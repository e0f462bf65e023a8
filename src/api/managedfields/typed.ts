/** Whether a client's configuration is of its type, in upstream's words (structured-merge-diff, typed validation). */
import { isObject } from '../machinery/json-object.ts'
import type { ScalarName, TypeRef, TypeSchema } from '../machinery/schema.ts'
import { goFormat } from '../machinery/strategic-merge.ts'
import { formatStep } from './field-set.ts'
import { stepOf } from './items.ts'
import { type ItemsTopology, type Topology, topologyOfList } from './topology.ts'

/** The whole message; undefined: it is of its type. Null is a value of every type. */
export function typedError(config: object, type: TypeSchema): string | undefined {
  const errors = inStruct(config, type, '')
  return errors.length > 1 ? ['errors:', ...errors.map((error) => `  ${error}`)].join('\n') : errors[0]
}

function inValue(value: unknown, ref: TypeRef, at: string, list: Topology = { kind: 'whole' }): string[] {
  if (value === null || value === undefined) return []
  switch (ref.shape) {
    case 'scalar':
      return inScalar(value, ref.name, at)
    case 'struct':
      return inStruct(value, ref.type, at)
    case 'list':
      if (!Array.isArray(value)) return [`${at}: expected list, got ${goPointer(value)}`]
      return inList(value, ref.item, at, list)
    case 'map':
      if (!isObject(value)) return [`${at}: expected map, got ${goPointer(value)}`]
      return Object.entries(value).flatMap(([name, inner]) => inValue(inner, ref.value, `${at}.${name}`))
  }
}

/** The first unknown field is the last that is looked at. */
function inStruct(value: unknown, { fields }: TypeSchema, at: string): string[] {
  if (!isObject(value)) return [`${at}: expected map, got ${goPointer(value)}`]
  const errors: string[] = []
  for (const [name, inner] of Object.entries(value)) {
    const field = fields.get(name)
    if (!field) return [...errors, `${at}.${name}: field not declared in schema`]
    const { ref, listType } = field
    const list = ref.shape === 'list' && listType ? topologyOfList(ref.item, listType) : undefined
    errors.push(...inValue(inner, ref, `${at}.${name}`, list))
  }
  return errors
}

/** The first item that cannot be told apart is the last that is looked at. */
function inList(items: readonly unknown[], item: TypeRef, at: string, topology: Topology): string[] {
  const errors: string[] = []
  const seen = new Set<string>()
  for (const [i, value] of items.entries()) {
    if (topology.kind === 'whole' || topology.kind === 'fields') {
      errors.push(...inValue(value, item, `${at}[${i}]`))
      continue
    }
    const step = stepOf(value, topology)
    if (step === undefined) return [...errors, `${at}: element ${i}: ${whyNoStep(value, topology)}`]
    const shown = formatStep(step)
    if (seen.has(step)) errors.push(`${at}: duplicate entries for key ${shown}`)
    seen.add(step)
    errors.push(...inValue(value, item, `${at}${shown}`))
  }
  return errors
}

function whyNoStep(value: unknown, topology: ItemsTopology): string {
  if (topology.kind === 'set') {
    if (value === null) return "associative list without keys has an element that's an explicit null"
    return Array.isArray(value)
      ? 'not supported: associative list with lists as elements'
      : "associative list without keys has an element that's a map type"
  }
  if (value === null) return 'associative list with keys may not have a null element'
  if (!isObject(value)) return 'associative list with keys may not have non-map elements'
  const missing = topology.keys.find((key) => (value[key.name] ?? key.default) === undefined)
  return `associative list with keys has an element that omits key field ${JSON.stringify(missing?.name)} (and doesn't have default value)`
}

function inScalar(value: unknown, type: ScalarName, at: string): string[] {
  switch (type) {
    case 'any':
      return []
    case 'int32':
    case 'int64':
    case 'double':
      return typeof value === 'number' ? [] : [`${at}: expected numeric (int or float), got ${goType(value)}`]
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${at}: expected boolean, got ${goPointer(value)}`]
    case 'string':
    case 'bytes':
      return typeof value === 'string'
        ? []
        : [`${at}: expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`]
    case 'time':
    case 'microTime':
    case 'quantity':
    case 'intOrString':
      return typeof value === 'object' ? [`${at}: expected any scalar, got ${goPointer(value)}`] : []
  }
}

/** Go's `%v` of a pointer to a struct of one field. */
function goPointer(value: unknown): string {
  return `&{${goFormat(value)}}`
}

/** Go's `%T`. */
function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}'
  if (isObject(value)) return 'map[string]interface {}'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** Go's `%#v`. */
function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)'
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (!isObject(value)) return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `map[string]interface {}{${names.map((name) => `${JSON.stringify(name)}:${goSyntax(value[name])}`).join(', ')}}`
}
