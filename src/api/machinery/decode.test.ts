import { describe, expect, test } from 'vitest'
import { decodeBody } from './body.ts'
import { DecodeError, decode } from './decode.ts'
import { jsonSyntaxError, scanJson, wellFormed } from './json-text.ts'
import { StatusError } from './status.ts'

const object = (type: string, text: string) => decode<Record<string, unknown>>(type, text).object

function message(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof DecodeError) return error.message
    throw error
  }
  throw new Error('expected a DecodeError')
}

test.each([
  [String.raw`"\ud800"`, '"\\ufffd"'],
  [String.raw`"a\uDc00b\ud83d\ude00"`, '"a\ufffdb😀"'],
  [String.raw`"\ud83d\ud83d\ude00"`, '"\ufffd😀"'],
  [String.raw`"\\ud800"`, String.raw`"\\ud800"`],
  [String.raw`"\u0041\ud800\n"`, '"A\ufffd\\n"'],
])('half characters are none: %s', (text, expected) => {
  expect(JSON.parse(wellFormed(text))).toBe(JSON.parse(expected))
})

describe('decode', () => {
  test('takes a whole number with a fraction or an exponent where no integer is meant', () => {
    const container = '{"resources":{"limits":{"cpu":1.0,"memory":1e3}}}'
    expect(object('v1.Container', container)['resources']).toEqual({ limits: { cpu: '1', memory: '1e3' } })
    expect(object('apps/v1.ControllerRevision', '{"data":{"a":[1.0,{"b":2e1}],"c":"x:1.5"}}')['data']).toEqual({
      a: [1, { b: 20 }],
      c: 'x:1.5',
    })
  })

  test('reads half a character as Go does', () => {
    const text = String.raw`{"metadata":{},"data":{"a":"x\ud800y"}}`
    expect(object('v1.ConfigMap', text)['data']).toEqual({ a: 'x\ufffdy' })
    const withFloat = String.raw`{"data":{"a":[1.0,"x\ud800y"]}}`
    expect(object('apps/v1.ControllerRevision', withFloat)['data']).toEqual({ a: [1, 'x\ufffdy'] })
  })

  test.each([
    [
      'v1.Service',
      '{"spec":{"ports":[{"port":"80"}]}}',
      'json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      'v1.Service',
      '{"spec":{"ports":[{"port":1.5}]}}',
      'json: cannot unmarshal number 1.5 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      'v1.Service',
      '{"spec":{"ports":[{"port":80.0}]}}',
      'json: cannot unmarshal number 80.0 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      'v1.Service',
      '{"spec":{"ports":[{"port":80,"targetPort":1e3}]}}',
      'json: cannot unmarshal number 1e3 into Go struct field ServicePort.spec.ports.targetPort of type int32',
    ],
    [
      'v1.Service',
      '{"spec":{"clusterIP":1.0}}',
      'json: cannot unmarshal number into Go struct field ServiceSpec.spec.clusterIP of type string',
    ],
    [
      'v1.Service',
      '{"spec":{"ports":[{"port":99999999999}]}}',
      'json: cannot unmarshal number 99999999999 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      'v1.Service',
      '{"spec":{"ports":{}}}',
      'json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
    ],
    [
      'v1.Service',
      '{"spec":"x"}',
      'json: cannot unmarshal string into Go struct field Service.spec of type v1.ServiceSpec',
    ],
    [
      'v1.Service',
      '{"spec":{"selector":{"a":1}}}',
      'json: cannot unmarshal number into Go struct field ServiceSpec.spec.selector of type string',
    ],
    [
      'v1.Service',
      '{"spec":{"type":true}}',
      'json: cannot unmarshal bool into Go struct field ServiceSpec.spec.type of type v1.ServiceType',
    ],
    ['v1.Service', '[]', 'json: cannot unmarshal array into Go value of type v1.Service'],
    [
      'v1.Service',
      '{"spec":{"ports":[{"targetPort":true}]}}',
      'json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32',
    ],
    ['v1.Secret', '{"data":{"a":"aGVsbG8"}}', 'illegal base64 data at input byte 4'],
    ['v1.Secret', '{"data":{"a":"a*=="}}', 'illegal base64 data at input byte 1'],
    [
      'v1.Pod',
      '{"metadata":{"creationTimestamp":"yesterday"}}',
      'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
    ],
    [
      'v1.Pod',
      '{"spec":{"overhead":{"cpu":"lots"}}}',
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
  ])('%s %s', (type, text, expected) => expect(message(() => decode(type, text))).toBe(expected))

  test('reports only the first of several type errors', () => {
    expect(message(() => decode('v1.Service', '{"metadata":{"name":1},"spec":"x"}'))).toContain(
      'ObjectMeta.metadata.name',
    )
  })

  test('drops nulls and unknown fields, and tells upper from lower case', () => {
    expect(
      object('v1.Service', '{"metadata":{"name":"a","labels":null},"Spec":{},"spec":{"foo":1,"type":null}}'),
    ).toEqual({
      metadata: { name: 'a' },
      spec: {},
    })
  })

  test('leaves out optional lists and maps without members', () => {
    const text = JSON.stringify({
      metadata: { name: 'a', labels: {}, annotations: {}, finalizers: [], ownerReferences: [] },
      spec: { containers: [], nodeSelector: {}, tolerations: [], volumes: [{ name: 'v', emptyDir: {} }] },
    })
    expect(object('v1.Pod', text)).toEqual({
      metadata: { name: 'a' },
      spec: { containers: [], volumes: [{ name: 'v', emptyDir: {} }] },
    })
  })

  test('nulls in lists and maps become zero values', () => {
    expect(object('v1.Service', '{"metadata":{"name":"a","labels":{"b":null}},"spec":{"ports":[null]}}')).toEqual({
      metadata: { name: 'a', labels: { b: '' } },
      spec: { ports: [{ port: 0 }] },
    })
  })

  test('fills in required scalars and lists, and metadata, but no selector', () => {
    expect(object('apps/v1.Deployment', '{"spec":{"template":{"spec":{}}}}')).toEqual({
      metadata: { name: '' },
      spec: { template: { spec: { containers: [] } } },
    })
  })

  test('writes quantities, times and bytes canonically', () => {
    const text = JSON.stringify({
      metadata: { name: 'a', creationTimestamp: '2026-01-02T03:04:05.678+01:00' },
      spec: { overhead: { cpu: 0.5, memory: '2048Ki' }, containers: [] },
    })
    expect(object('v1.Pod', text)).toMatchObject({
      metadata: { creationTimestamp: '2026-01-02T02:04:05Z' },
      spec: { overhead: { cpu: '500m', memory: '2Mi' } },
    })
    expect(object('v1.Secret', '{"data":{"a":"aGVs\\nbG8="}}')).toMatchObject({ data: { a: 'aGVsbG8=' } })
    expect(object('coordination.k8s.io/v1.Lease', '{"spec":{"renewTime":"2026-01-02T03:04:05Z"}}')).toMatchObject({
      spec: { renewTime: '2026-01-02T03:04:05.000000Z' },
    })
  })

  test('strict: unknown and duplicate fields in document order, each once', () => {
    const text =
      '{"spec":{"ports":[{"port":1,"name":"a","name":"b"},{"foo":{"x":1,"x":2}}],"bar":1},"metadata":{"labels":{"a":"1","a":"2"}}}'
    expect(message(() => decode('v1.Service', text, { fieldValidation: 'Strict' }))).toBe(
      'strict decoding error: duplicate field "spec.ports[0].name", unknown field "spec.ports[1].foo", unknown field "spec.bar", duplicate field "metadata.labels.a"',
    )
    expect(decode('v1.Service', text, { fieldValidation: 'Warn' }).warnings).toHaveLength(4)
    expect(decode('v1.Service', text).warnings).toEqual([])
  })

  test('names like __proto__ do no harm', () => {
    const decoded = object('v1.ConfigMap', '{"data":{"__proto__":"x"},"__proto__":{"metadata":{}}}')
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect(Object.keys(decoded['data'] as object)).toEqual(['__proto__'])
  })
})

describe('JSON text', () => {
  test.each([
    ['', 'unexpected end of JSON input'],
    ['{"a":1', 'unexpected end of JSON input'],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['tru', 'unexpected end of JSON input'],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['-', 'unexpected end of JSON input'],
    ['[[1],{"b":[]}]', undefined],
  ])('%s: %s', (text, expected) => expect(jsonSyntaxError(text)).toBe(expected))

  test('agrees with JSON.parse on what is valid', () => {
    for (const text of [
      '0',
      '-0.5e+3',
      '01',
      '1.',
      '"\\u00e9"',
      '"\\u00g9"',
      'null',
      '[]',
      '[',
      '{"a":{}}',
      ' 1 ',
      "'a'",
    ]) {
      let valid = true
      try {
        JSON.parse(text)
      } catch {
        valid = false
      }
      expect([text, jsonSyntaxError(text) === undefined]).toEqual([text, valid])
    }
  })

  test('finds duplicates whatever the names and values look like', () => {
    const text = '{"a":"}\\"{,","\\u0061":[{"x":1},{"x":1,"x":"]"}],"b":{"a":1}}'
    expect(scanJson(text).duplicates.map((d) => d.path)).toEqual(['a', 'a[1].x'])
  })
})

describe('decodeBody', () => {
  const service = { group: '', version: 'v1', kind: 'Service' }
  const failure = async (body: string, contentType?: string) => {
    const options = { fieldValidation: 'Strict' as const, ...(contentType && { contentType }) }
    const error: unknown = await decodeBody(service, Buffer.from(body), options).catch((e: unknown) => e)
    if (!(error instanceof StatusError)) throw new Error(`expected a StatusError, had ${JSON.stringify(error)}`)
    return `${error.code} ${error.message}`
  }

  test.each([
    [
      '{"kind":"Service","spec":{"portz":[]}}',
      '400 Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.portz"',
    ],
    [
      '{"kind":"Pod","apiVersion":"v1"}',
      '400 Pod in version "v1" cannot be handled as a Service: converting (v1.Pod) to (core.Service): unknown conversion',
    ],
    [
      '{"kind":"Foo","apiVersion":"v1"}',
      '400 Foo in version "v1" cannot be handled as a Service: no kind "Foo" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      '{"kind":"Deployment","apiVersion":"apps/v1"}',
      '400 the API version in the data (apps/v1) does not match the expected API version (v1)',
    ],
    [
      '',
      `400 the object provided is unrecognized (must be of type Service): couldn't get version/kind; json parse error: unexpected end of JSON input (empty)`,
    ],
    [
      '{"kind":',
      `400 the object provided is unrecognized (must be of type Service): couldn't get version/kind; json parse error: unexpected end of JSON input ({"kind":)`,
    ],
  ])('%s', async (body, expected) => expect(await failure(body)).toBe(expected))

  test('sets apiVersion and kind', async () => {
    const { object } = await decodeBody(service, Buffer.from('{"metadata":{"name":"a"}}'))
    expect(object).toEqual({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } })
  })

  test('reads YAML, and tells of duplicate keys in it', async () => {
    const yaml = 'metadata:\n  name: web\nspec:\n  type: ClusterIP\n  type: NodePort\n'
    const decoded = await decodeBody(service, Buffer.from(yaml), { contentType: 'application/yaml' })
    expect(decoded).toMatchObject({ object: { metadata: { name: 'web' }, spec: { type: 'NodePort' } } })
    expect(decoded.warnings).toEqual(['yaml: unmarshal errors:\n  line 5: key "type" already set in map'])
    expect(await failure(yaml, 'application/yaml')).toContain('strict decoding error: yaml: unmarshal errors:')
  })

  test('refuses bodies that are too large, and YAML that grows', async () => {
    expect(await failure(' '.repeat(3 * 1024 * 1024 + 1))).toBe('413 Request entity too large: limit is 3145728')
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefgh'[i]},`.repeat(9)}]`),
    ]
    expect(await failure(bomb.join('\n'), 'application/yaml')).toMatch(/^400 .*alias/)
    expect(await failure('['.repeat(100_000), 'application/yaml')).toMatch(/^400 /)
  })

  test('hostile nesting is refused', async () => {
    const depth = 200_000
    const nested = `{"spec":{"x":${'{"a":'.repeat(depth)}{"b":1,"b":2}${'}'.repeat(depth)}}}`
    expect(await failure(nested)).toContain('exceeded max depth')
    const fields = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    expect(await failure(`{"metadata":{"managedFields":[{"fieldsV1":${fields}}]}}`)).toContain('exceeded max depth')
  })

  test('takes DeleteOptions of any group version', async () => {
    const options = { group: 'apps', version: 'v1', kind: 'DeleteOptions' }
    const body = Buffer.from('{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0}')
    const { object } = await decodeBody(options, body, {}, 'meta/v1.DeleteOptions')
    expect(object).toMatchObject({ gracePeriodSeconds: 0 })
  })
})
