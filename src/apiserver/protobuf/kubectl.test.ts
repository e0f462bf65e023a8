/** Byte for byte as Go: bodies that kubectl 1.33 sent, recorded in base64, come out of our encoder as they went in. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeProtobufBody } from './body.ts'
import { encodeObject } from './documents.ts'
import { openEnvelope } from './envelope.ts'

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'kubectl.fixture.json'), 'utf8')) as string[]

const bodies = recorded.map((text) => {
  const body = Buffer.from(text, 'base64')
  return { ...openEnvelope(body), body }
})

test.each(bodies)('$apiVersion $kind', ({ apiVersion, kind, body }) => {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  const object = decodeProtobufBody({ group, version, kind }, body)
  expect(encodeObject(object).toString('hex')).toBe(body.toString('hex'))
})
