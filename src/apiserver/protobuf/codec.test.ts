/** Every type of the API goes to protobuf and comes back as it was. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { findType, typeNames } from '../../api/machinery/schema.ts'
import { apiVersionOf } from '../../api/resource.ts'
import { randomOf } from '../fuzzing/random.ts'
import { decodeMessage } from './decode.ts'
import { encodeMessage } from './encode.ts'
import { findMessage, messageOfKind } from './messages.ts'
import { randomObject, unsent } from './random.fixture.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const groupVersions = readdirSync(join(import.meta.dirname, '../../api/generated'))
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace(/\.json$/, '').replace(/\.(?=v\d\w*$)/, '/'))

/** Types that stand in two schemas have one message; those of switched off features none. */
const elsewhere: Readonly<Record<string, string | undefined>> = {
  'authorization.k8s.io/v1.FieldSelectorRequirement': 'meta/v1.FieldSelectorRequirement',
}
const switchedOff = ['meta/v1.ShardInfo', 'v1.NodeAllocatableResourceClaimStatus', 'v1.PodSchedulingGroup']

describe.each(groupVersions)('%s', (groupVersion) => {
  const names = typeNames(groupVersion).map((name) => `${groupVersion}.${name}`)
  test.each(names.filter((name) => !switchedOff.includes(name)))(`%s (SEED=${seed})`, (name) => {
    const message = findMessage(elsewhere[name] ?? name)
    expect(message, 'a message in fields.json').toBeDefined()
    const object = randomObject(randomOf(seed), findType(name)!)
    expect(decodeMessage(message!, encodeMessage(message!, object))).toEqual(object)
  })
})

const listed = definitions.filter(({ verbs }) => !verbs || verbs.includes('list'))
test.each(listed.map(({ group, version, kind }) => [apiVersionOf({ group, version }), kind]))(
  '%s %s has messages of its own and for its lists',
  (apiVersion, kind) => {
    expect(messageOfKind(apiVersion, kind)?.name).toBe(`${apiVersion}.${kind}`)
    const fields = messageOfKind(apiVersion, `${kind}List`)?.fields.map(({ number, name }) => [number, name])
    expect(fields).toEqual([
      [1, 'metadata'],
      [2, 'items'],
    ])
  },
)

test('what is not sent is still in the schemas', () => {
  for (const path of unsent) {
    const dot = path.lastIndexOf('.')
    expect(findType(path.slice(0, dot))?.fields.has(path.slice(dot + 1)), path).toBe(true)
  }
  for (const name of [...switchedOff, ...Object.keys(elsewhere)]) expect(findType(name), name).toBeDefined()
})
