/** Every type of the API goes to protobuf and comes back as it was. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findType, typeNames } from '../../api/machinery/schema.ts'
import { randomOf } from '../fuzzing/random.ts'
import { decodeMessage } from './decode.ts'
import { encodeMessage } from './encode.ts'
import { findMessage } from './messages.ts'
import { randomObject, unsent } from './random.fixture.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const groupVersions = readdirSync(join(import.meta.dirname, '../../api/generated'))
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace(/\.json$/, '').replace(/\.(?=v\d\w*$)/, '/'))

/** Types that stand in two schemas have one message; those of switched off features none. */
const elsewhere: Readonly<Record<string, string | undefined>> = {
  'authorization.k8s.io/v1.FieldSelectorRequirement': 'meta/v1.FieldSelectorRequirement',
  'storage.k8s.io/v1.TopologySelectorLabelRequirement': 'v1.TopologySelectorLabelRequirement',
  'storage.k8s.io/v1.TopologySelectorTerm': 'v1.TopologySelectorTerm',
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

test('what is not sent is still in the schemas', () => {
  for (const path of unsent) {
    const dot = path.lastIndexOf('.')
    expect(findType(path.slice(0, dot))?.fields.has(path.slice(dot + 1)), path).toBe(true)
  }
  for (const name of [...switchedOff, ...Object.keys(elsewhere)]) expect(findType(name), name).toBeDefined()
})
