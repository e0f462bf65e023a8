/** Bodies with something wrong about them get a 400 that says what, and cost no more than their size. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { StatusError } from '../../api/machinery/status.ts'
import { type Random, randomOf } from '../fuzzing/random.ts'
import { decodeProtobufBody } from './body.ts'
import { encodeObject } from './documents.ts'
import { delimited, envelopeEnd, envelopeStart, openEnvelope, rawNumber } from './envelope.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const service = { group: '', version: 'v1', kind: 'Service' }
const withMetadata = (metadata: object) =>
  encodeObject(Object.assign({ apiVersion: 'v1', kind: 'Service' }, { metadata }))
const valid = withMetadata({ name: 'web' })
const seal = (apiVersion: string, kind: string, message: Buffer) =>
  Buffer.concat([envelopeStart(apiVersion, kind), ...delimited(rawNumber, message), envelopeEnd])
const inService = (...bytes: number[]) => seal('v1', 'Service', Buffer.from(bytes))
const unrecognized = 'the object provided is unrecognized (must be of type Service): '
const cannotHandle = 'Service in version "v1" cannot be handled as a Service: '

const refusal = (body: Buffer, expected = service): StatusError => {
  try {
    decodeProtobufBody(expected, body)
  } catch (error) {
    if (error instanceof StatusError) return error
    throw error
  }
  throw new Error('the body was taken')
}

test.each([
  ['nothing', Buffer.alloc(0), `${unrecognized}empty data (empty)`],
  ['an envelope of nothing', Buffer.from('k8s\0'), `${unrecognized}empty body (6b387300)`],
  [
    'JSON',
    Buffer.from('{"kind":"Service"}'),
    `${unrecognized}provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({"kind":"Service"})`,
  ],
  ['half an envelope', valid.subarray(0, 12), `${unrecognized}unexpected EOF (6b3873000a0d0a0276311207)`],
  ['half a message', inService(0x0a, 0x05, 0x0a), `${cannotHandle}unexpected EOF`],
  ['a length beyond all memory', inService(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f), `${cannotHandle}unexpected EOF`],
  [
    'a negative length',
    inService(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
    `${cannotHandle}proto: negative length found during unmarshaling`,
  ],
  [
    'a number without end',
    inService(0x0a, ...Array.from({ length: 11 }, () => 0xff)),
    `${cannotHandle}proto: integer overflow`,
  ],
  ['field 0', inService(0x02, 0x00), `${cannotHandle}proto: Service: illegal tag 0 (wire type 2)`],
  ['the end of no group', inService(0x7c), `${cannotHandle}proto: Service: wiretype end group for non-group`],
  ['an unknown wire type', inService(0x7e), `${cannotHandle}proto: illegal wireType 6`],
  ['a number for a message', inService(0x10, 0x01), `${cannotHandle}proto: wrong wireType = 0 for field Spec`],
  [
    'an unknown kind',
    seal('v1', 'Foo', Buffer.alloc(0)),
    'Foo in version "v1" cannot be handled as a Service: no kind "Foo" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
  ],
  [
    'another group version',
    seal('apps/v1', 'Deployment', Buffer.alloc(0)),
    'the API version in the data (apps/v1) does not match the expected API version (v1)',
  ],
])('%s', (_what, body, message) => expect(refusal(body)).toMatchObject({ code: 400, reason: 'BadRequest', message }))

test('a quantity that is none, a time that JSON cannot say, JSON that is none', () => {
  const text = (number: number, content: Buffer) =>
    Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content])
  const hard = text(1, Buffer.concat([text(1, Buffer.from('cpu')), text(2, text(1, Buffer.from('much')))]))
  const quota = { group: '', version: 'v1', kind: 'ResourceQuota' }
  expect(refusal(seal('v1', 'ResourceQuota', text(2, hard)), quota).message).toContain('quantities must match')
  const late = Buffer.from([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
  expect(refusal(seal('v1', 'Service', text(1, text(8, late)))).message).toContain('year outside of range')
  const revision = { group: 'apps', version: 'v1', kind: 'ControllerRevision' }
  const data = text(2, text(1, Buffer.from('{')))
  expect(refusal(seal('apps/v1', 'ControllerRevision', data), revision).message).toContain(
    'unexpected end of JSON input',
  )
})

test('what is not known is passed over, groups in groups included', () => {
  const deep = 1_000_000
  const groups = Buffer.concat([Buffer.alloc(deep, 0x7b), Buffer.alloc(deep, 0x7c)])
  const known = openEnvelope(valid).raw ?? Buffer.alloc(0)
  const object = decodeProtobufBody(service, seal('v1', 'Service', Buffer.concat([groups, known])))
  expect(object).toMatchObject({ metadata: { name: 'web' } })
  expect(refusal(seal('v1', 'Service', groups.subarray(0, -1))).message).toContain('unexpected EOF')
})

test('a key cannot change what an object is', () => {
  const labels = JSON.parse('{"__proto__":"x","constructor":"y"}') as object
  const body = withMetadata({ name: 'web', labels })
  expect(JSON.stringify(decodeProtobufBody(service, body))).toContain('"labels":{"__proto__":"x","constructor":"y"}')
})

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'kubectl.fixture.json'), 'utf8')) as string[]

function mutated(random: Random, body: Buffer): Buffer {
  const at = 4 + random.int(body.length - 4)
  const copy = Buffer.from(body)
  switch (random.int(4)) {
    case 0:
      copy[at] = random.int(256)
      return copy
    case 1:
      return copy.subarray(0, at)
    case 2:
      return Buffer.concat([copy.subarray(0, at), Buffer.alloc(random.int(12), 0xff), copy.subarray(at)])
    default:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(random.int(body.length))])
  }
}

test(`what is broken by chance is taken or refused, and nothing else (SEED=${seed})`, () => {
  const random = randomOf(seed)
  for (let i = 0; i < 3000; i++) {
    let body = Buffer.from(random.pick(recorded), 'base64')
    const { apiVersion, kind } = openEnvelope(body)
    const [version = '', group = ''] = apiVersion.split('/').reverse()
    for (let changes = 1 + random.int(3); changes > 0; changes--) body = Buffer.from(mutated(random, body))
    try {
      encodeObject(decodeProtobufBody({ group, version, kind }, body))
    } catch (error) {
      if (!(error instanceof StatusError)) throw new Error(`at ${i}: ${body.toString('hex')}`, { cause: error })
      expect(error.code).toBe(400)
    }
  }
})
