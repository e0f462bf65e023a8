import { describe, expect, test } from 'vitest'
import { applyJsonPatch, applyMergePatch, JsonPatchError } from './json-patch.ts'
import { applyPatch, type PatchMediaType } from './patch.ts'
import { typeSchema } from './schema.ts'
import { StatusError } from './status.ts'
import { applyStrategicMergePatch, goFormat } from './strategic-merge.ts'

describe('JSON patch', () => {
  test.each([
    ['add a member', { a: 1 }, [{ op: 'add', path: '/b', value: { c: 2 } }], { a: 1, b: { c: 2 } }],
    ['insert', [1, 3], [{ op: 'add', path: '/1', value: 2 }], [1, 2, 3]],
    ['append', [1], [{ op: 'add', path: '/-', value: 2 }], [1, 2]],
    ['remove', { a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
    ['remove from the end', [1, 2], [{ op: 'remove', path: '/-1' }], [1]],
    ['replace', { a: 1 }, [{ op: 'replace', path: '/a', value: null }], { a: null }],
    ['replace all', { a: 1 }, [{ op: 'replace', path: '', value: 7 }], 7],
    ['move', { a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    [
      'copy',
      { a: [1] },
      [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'add', path: '/b/-', value: 2 },
      ],
      { a: [1], b: [1, 2] },
    ],
    ['test', { a: { x: 1, y: [2] } }, [{ op: 'test', path: '/a', value: { y: [2], x: 1 } }], { a: { x: 1, y: [2] } }],
    ['escapes', { 'a/b': { '~': 1 } }, [{ op: 'replace', path: '/a~1b/~0', value: 2 }], { 'a/b': { '~': 2 } }],
    ['a name like any other', {}, [{ op: 'add', path: '/__proto__', value: 1 }], JSON.parse('{"__proto__":1}')],
  ])('%s', (_, document, operations, expected) =>
    expect(applyJsonPatch(structuredClone(document), operations)).toEqual(expected),
  )

  test.each([
    ['remove what is not there', [{ op: 'remove', path: '/x' }]],
    ['replace what is not there', [{ op: 'replace', path: '/x', value: 1 }]],
    ['add below what is not there', [{ op: 'add', path: '/x/y', value: 1 }]],
    ['insert past the end', [{ op: 'add', path: '/list/5', value: 1 }]],
    ['no number', [{ op: 'remove', path: '/list/x' }]],
    ['failing test', [{ op: 'test', path: '/a', value: 2 }]],
    ['into itself', [{ op: 'move', from: '/a', path: '/a/b' }]],
    ['unknown operation', [{ op: 'frob', path: '/a' }]],
    ['no pointer', [{ op: 'remove', path: 'a' }]],
    ['inherited', [{ op: 'remove', path: '/constructor' }]],
  ])('refuses: %s', (_, operations) => {
    expect(() => applyJsonPatch({ a: 1, list: [1] }, operations)).toThrow(JsonPatchError)
  })

  test('copies that double the document end at a limit', () => {
    const doubling = Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/${i}` }))
    expect(() => applyJsonPatch({ data: { a: 'b' } }, doubling)).toThrow(
      /^Unable to complete the copy, the accumulated size increase of copy is \d+, exceeding the limit 3145728$/,
    )
  })
})

test.each<PatchMediaType>(['application/strategic-merge-patch+json', 'application/merge-patch+json'])(
  'hostile nesting is refused: %s',
  (mediaType) => {
    const depth = 9000
    const body = Buffer.from(`{"data":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`)
    const configMap = { group: '', version: 'v1', kind: 'ConfigMap' }
    const refused = (error: unknown) => error instanceof StatusError && [400, 422].includes(error.code)
    expect(() => applyPatch(configMap, { metadata: { name: 'a' } }, { mediaType, body })).toThrow(
      expect.toSatisfy(refused) as Error,
    )
  },
)

test.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('merge patch (RFC 7386 appendix): %j with %j', (target, patch, expected) => {
  expect(applyMergePatch(target, patch)).toEqual(expected)
})

describe('strategic merge patch', () => {
  test('long lists take time with their length, not with its square', () => {
    const ports = (name: string) => Array.from({ length: 50_000 }, (_, i) => ({ port: i, name: `${name}${i}` }))
    const patch = { spec: { '$setElementOrder/ports': ports('').map(({ port }) => ({ port })), ports: ports('new') } }
    const merged = applyStrategicMergePatch({ spec: { ports: ports('old') } }, patch, typeSchema('v1.Service'))
    expect(merged).toEqual({ spec: { ports: ports('new') } })
  })

  test('a key named as the prototype is one like any other', () => {
    const data = JSON.parse('{"data":{"__proto__":"a"}}') as object
    expect(applyStrategicMergePatch({}, data, typeSchema('v1.ConfigMap'))).toEqual(data)
  })

  const pod = (containers: object[]) => ({ spec: { containers } })
  const apply = (type: string, original: object, patch: object) =>
    applyStrategicMergePatch(original, patch, typeSchema(type))
  const [a, b] = [
    { name: 'a', image: '1' },
    { name: 'b', image: '1' },
  ]

  test.each([
    ['merges keyed items', pod([a, b]), pod([{ name: 'b', image: '2' }]), pod([a, { name: 'b', image: '2' }])],
    ['puts new items first', pod([a]), pod([{ name: 'c' }]), pod([{ name: 'c' }, a])],
    ['deletes an item', pod([a, b]), pod([{ name: 'a', $patch: 'delete' }]), pod([b])],
    ['replaces the list', pod([a, b]), pod([{ name: 'c' }, { $patch: 'replace' }]), pod([{ name: 'c' }])],
    ['removes a field of an item', pod([a]), pod([{ name: 'a', image: null }]), pod([{ name: 'a' }])],
    ['does not keep nulls of new items', pod([]), pod([{ name: 'c', image: null }]), pod([{ name: 'c' }])],
    [
      'orders by $setElementOrder',
      pod([a, b]),
      {
        spec: {
          '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }],
          containers: [{ name: 'c' }],
        },
      },
      pod([b, { name: 'c' }, a]),
    ],
    [
      'replaces an object',
      { spec: { nodeSelector: { a: '1' } } },
      { spec: { nodeSelector: { $patch: 'replace', b: '2' } } },
      { spec: { nodeSelector: { b: '2' } } },
    ],
    [
      'deletes an object',
      { spec: { nodeSelector: { a: '1' } } },
      { spec: { nodeSelector: { $patch: 'delete' } } },
      { spec: { nodeSelector: {} } },
    ],
    [
      'replaces lists without a key',
      { spec: { tolerations: [{ key: 'a' }, { key: 'b' }] } },
      { spec: { tolerations: [{ key: 'c' }] } },
      { spec: { tolerations: [{ key: 'c' }] } },
    ],
    [
      'merges sets of finalizers',
      { metadata: { finalizers: ['x/a'] } },
      { metadata: { finalizers: ['x/b'] } },
      { metadata: { finalizers: ['x/b', 'x/a'] } },
    ],
    [
      'deletes from a set',
      { metadata: { finalizers: ['x/a', 'x/b'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['x/a'] } },
      { metadata: { finalizers: ['x/b'] } },
    ],
    [
      'keeps only $retainKeys',
      { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
      { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] } },
      { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } },
    ],
    [
      'merges maps',
      { metadata: { labels: { a: '1', b: '2' } } },
      { metadata: { labels: { a: null, c: '3' } } },
      { metadata: { labels: { b: '2', c: '3' } } },
    ],
  ])('%s', (_, original, patch, expected) => {
    const before = JSON.stringify([original, patch])
    expect(apply('v1.Pod', original, patch)).toEqual(expected)
    expect(JSON.stringify([original, patch])).toBe(before)
  })

  test('an object that is said to be replaced is', () => {
    const budget = { spec: { minAvailable: 1, selector: { matchLabels: { a: '1' } } } }
    const patch = { spec: { selector: { matchLabels: { b: '1' } } } }
    expect(apply('policy/v1.PodDisruptionBudget', budget, patch)).toEqual({
      spec: { minAvailable: 1, selector: { matchLabels: { b: '1' } } },
    })
  })

  test('lists without a key, as the pull secrets of an account, are replaced', () => {
    const account = { imagePullSecrets: [{ name: 'a' }], secrets: [{ name: 'a' }] }
    const patch = { imagePullSecrets: [{ name: 'b' }], secrets: [{ name: 'b' }] }
    const { imagePullSecrets, secrets } = apply('v1.ServiceAccount', account, patch) as typeof account
    expect([imagePullSecrets, secrets.length]).toEqual([[{ name: 'b' }], 2])
  })

  test('an item without its key, or an unknown directive, is an error', () => {
    expect(() => apply('v1.Pod', pod([a]), pod([{ image: '2' }]))).toThrow(
      'map: map[image:2] does not contain declared merge key: name',
    )
    expect(() => apply('v1.Pod', pod([a]), { spec: { $patch: 'frob' } })).toThrow('unknown patch type: frob')
  })

  test('values are quoted as Go prints them', () => {
    expect(goFormat({ b: [1, 'x', null], a: { c: true } })).toBe('map[a:map[c:true] b:[1 x <nil>]]')
  })
})

describe('applyPatch', () => {
  const gvk = { group: '', version: 'v1', kind: 'Service' }
  const current = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } }
  const apply = (kind: string, patch: unknown, fieldValidation: 'Strict' | 'Warn' = 'Strict') =>
    applyPatch(gvk, current, {
      mediaType: `application/${kind}+json` as PatchMediaType,
      body: Buffer.from(typeof patch === 'string' ? patch : JSON.stringify(patch)),
      fieldValidation,
    })
  const failure = (kind: string, patch: unknown) => {
    try {
      apply(kind, patch)
    } catch (error) {
      if (error instanceof StatusError) return `${error.code} ${error.reason} ${error.message}`
      throw error
    }
    throw new Error('expected a StatusError')
  }

  test.each([
    [
      'json-patch',
      [{ op: 'remove', path: '/spec/nope' }],
      '422 Invalid the server rejected our request due to an error in our request',
    ],
    ['json-patch', {}, '400 BadRequest json: cannot unmarshal object into Go value of type jsonpatch.Patch'],
    ['merge-patch', [], '400 BadRequest Invalid JSON Patch'],
    ['strategic-merge-patch', '{', '400 BadRequest error decoding patch: unexpected end of JSON input'],
    [
      'strategic-merge-patch',
      { spec: { foo: 1 } },
      '422 Invalid  "" is invalid: patch: Invalid value: "map[spec:map[foo:1]]": strict decoding error: unknown field "spec.foo"',
    ],
    [
      'strategic-merge-patch',
      { spec: { ports: [{ port: 'x' }] } },
      '422 Invalid  "" is invalid: patch: Invalid value: "map[spec:map[ports:[map[port:x]]]]": unrecognized type: int32',
    ],
    [
      'strategic-merge-patch',
      { spec: { ports: {} } },
      '422 Invalid  "" is invalid: patch: Invalid value: "map[spec:map[ports:map[]]]": cannot restore slice from map',
    ],
  ])('%s %j', (kind, patch, expected) => expect(failure(kind, patch)).toBe(expected))

  test('duplicate and unknown fields are warnings when asked so', () => {
    const { object, warnings } = apply('merge-patch', '{"spec":{"type":"NodePort","type":"ClusterIP","x":1}}', 'Warn')
    expect(object).toMatchObject({ spec: { type: 'ClusterIP' } })
    expect(warnings).toEqual(['duplicate field "spec.type"', 'unknown field "spec.x"'])
  })

  test('does not change the current object', () => {
    const before = JSON.stringify(current)
    apply('json-patch', [{ op: 'add', path: '/spec/ports/-', value: { port: 81 } }])
    apply('merge-patch', { spec: { ports: null } })
    apply('strategic-merge-patch', { spec: { ports: [{ port: 80, name: 'x' }] } })
    expect(JSON.stringify(current)).toBe(before)
  })
})
