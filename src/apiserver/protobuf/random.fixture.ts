/** Objects of any type, made from the schemas of their JSON, with every field in them and no value a zero. */
import type { ScalarName, TypeRef, TypeSchema } from '../../api/machinery/schema.ts'
import { formatMicroTime, formatTime } from '../../api/machinery/time.ts'
import type { Random } from '../fuzzing/random.ts'

type Plain = Record<string, unknown>

/** Fields of features that 1.36 has switched off: they are in the schemas, not in the messages. */
export const unsent: readonly string[] = [
  'meta/v1.ListMeta.shardInfo',
  'storage.k8s.io/v1.CSIDriverSpec.preventPodSchedulingIfMissing',
  'v1.PodSpec.schedulingGroup',
  'v1.PodStatus.nodeAllocatableResourceClaimStatuses',
  'v1.ResourceHealth.message',
]

/** Kinds without metadata; of other types, `apiVersion` and `kind` are fields like others. */
const bareKinds = ['APIGroup', 'APIGroupList', 'APIResourceList', 'APIVersions', 'DeleteOptions']

/** `apiVersion` and `kind` belong to the envelope where there is one, and are the caller's. */
export function randomObject(random: Random, type: TypeSchema): Plain {
  const object: Plain = {}
  const isKind = bareKinds.includes(type.name) || (type.fields.has('metadata') && type.fields.has('kind'))
  for (const { name, ref } of type.fields.values()) {
    if (unsent.includes(`${type.groupVersion}.${type.name}.${name}`)) continue
    if (isKind && (name === 'apiVersion' || name === 'kind')) continue
    object[name] = randomValue(random, ref)
  }
  return object
}

function randomValue(random: Random, ref: TypeRef): unknown {
  const some = () => Array.from({ length: 1 + random.int(2) })
  switch (ref.shape) {
    case 'struct':
      return randomObject(random, ref.type)
    case 'list':
      return some().map(() => randomValue(random, ref.item))
    case 'map':
      return Object.fromEntries(some().map((_, i) => [`${randomText(random)}${i}`, randomValue(random, ref.value)]))
    default:
      return randomScalar(random, ref.name)
  }
}

const texts = ['a', 'web', 'ä', '東京', '😀', 'x'.repeat(50), 'ü'.repeat(80), '"\\\n', 'a/b.c-d_e']

const randomText = (random: Random): string => `${random.pick(texts)}${random.int(1000)}`

function randomScalar(random: Random, name: ScalarName): unknown {
  const number = random.pick([1, -1, 127, 128, 16_384, -129, 2 ** 31 - 1, -(2 ** 31), 1 + random.int(1000)])
  const time = new Date(random.int(2 ** 31) * 1000 + random.int(1000))
  switch (name) {
    case 'string':
      return randomText(random)
    case 'boolean':
      return true
    case 'int32':
      return number
    case 'int64':
      return random.pick([number, 2 ** 53 - 1, -(2 ** 53), 2 ** 40, 2 ** 63, -(2 ** 63)])
    case 'double':
      return 1.5
    case 'time':
      return formatTime(time)
    case 'microTime':
      return formatMicroTime(time)
    case 'bytes':
      return Buffer.from(randomText(random)).toString('base64')
    case 'intOrString':
      return random.pick([number, randomText(random)])
    case 'quantity':
      return random.pick(['100m', '1500Mi', '3', '1e3', '2Ki'])
    case 'any':
      return { a: [1, 'b', null, { c: randomText(random) }], d: true }
  }
}
