/**
 * Writes fields.json: the protobuf field numbers of the API types, read from the message descriptors that a `kubectl`
 * program carries. Run by hand when the API models change: `node src/apiserver/protobuf/extract.ts /usr/bin/kubectl`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { wireFields } from './wire.ts'

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

/** FileDescriptorProto 2 is the package, 4 its messages; DescriptorProto 1 name, 2 fields; FieldDescriptorProto 1, 3. */
function messages(descriptor: Buffer): { name: string; fields: Record<string, string> }[] {
  const fields = [...wireFields(descriptor)]
  const groupVersion = packages[String(fields.find((field) => field.number === 2)?.value)]
  if (!groupVersion) return []
  return fields
    .filter((field) => field.number === 4)
    .map((message) => {
      const parts = [...wireFields(message.value as Buffer)]
      const name = String(parts.find((part) => part.number === 1)?.value)
      return { name: `${groupVersion}.${name}`, fields: numbersOf(parts) }
    })
}

function numbersOf(parts: readonly { number: number; value: bigint | Buffer }[]): Record<string, string> {
  const numbers: Record<string, string> = {}
  for (const part of parts.filter(({ number }) => number === 2)) {
    const field = new Map([...wireFields(part.value as Buffer)].map(({ number, value }) => [number, String(value)]))
    const type = field.get(6)?.split('.').at(-1)
    const name = field.get(1) ?? ''
    numbers[field.get(3) ?? ''] = type && !type.endsWith('Entry') ? `${name}:${type}` : name
  }
  return numbers
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
    for (const { name, fields } of messages(descriptor)) table[name] = fields
  } catch {
    // Not a descriptor.
  }
}
const lines = Object.keys(table)
  .sort()
  .map((name) => `${JSON.stringify(name)}:${JSON.stringify(table[name])}`)
writeFileSync(join(import.meta.dirname, 'fields.json'), `{\n${lines.join(',\n')}\n}\n`)
