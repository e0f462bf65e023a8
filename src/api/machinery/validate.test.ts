import { describe, expect, test } from 'vitest'
import type { ObjectMeta } from '../generated/meta.v1.ts'
import * as validate from './validate.ts'
import { validateObjectMeta, validateObjectMetaUpdate } from './validate-meta.ts'

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const labelValue =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

describe('formats', () => {
  test.each<[keyof typeof validate, string, string[]]>([
    ['isDNS1123Subdomain', 'a.b-c', []],
    ['isDNS1123Subdomain', 'Web', [subdomain]],
    ['isDNS1123Subdomain', 'a'.repeat(254), ['must be no more than 253 characters']],
    ['isDNS1123Label', 'a.b', ['must not contain dots']],
    ['isDNS1123Label', '1a', []],
    ['isValidLabelValue', '', []],
    ['isValidLabelValue', 'a b', [labelValue]],
    ['isQualifiedName', 'example.com/My_Name', []],
    ['isQualifiedName', 'a'.repeat(64), ['name part must be no more than 63 bytes']],
    ['isValidLabelValue', 'a'.repeat(64), ['must be no more than 63 bytes']],
    ['isQualifiedName', '/x', ['prefix part must be non-empty']],
    ['isValidPortName', 'http', []],
    ['isValidPortName', 'http--x', ['must not contain consecutive hyphens']],
    ['isValidPortName', '123', ['must contain at least one letter (a-z)']],
    ['isValidPortName', 'a-very-long-port-name', ['must be no more than 15 characters']],
    ['isConfigMapKey', '..', ["must not be '..'"]],
  ])('%s %j', (name, value, expected) => {
    const check = validate[name] as (value: string) => string[]
    expect(check(value)).toEqual(expected)
  })

  test('ports', () => {
    expect(validate.isValidPortNum(65535)).toEqual([])
    expect(validate.isValidPortNum(0)).toEqual(['must be between 1 and 65535, inclusive'])
  })

  test('long names are checked in linear time', () => {
    expect(validate.isDNS1123Subdomain(`${'a'.repeat(50_000)}!`)).toHaveLength(2)
    expect(validate.isQualifiedName(`${'a-'.repeat(50_000)}!`)).toHaveLength(2)
  })
})

const lines = (errors: readonly { field: string; message: string }[]) => errors.map((e) => `${e.field}: ${e.message}`)

describe('metadata', () => {
  const meta = (extra: Partial<ObjectMeta> = {}): ObjectMeta => ({ name: 'web', namespace: 'default', ...extra })
  const check = (extra: Partial<ObjectMeta>) => lines(validateObjectMeta(meta(extra), { namespaced: true }))

  test.each<[string, Partial<ObjectMeta>, string[]]>([
    ['valid', { labels: { 'a.b/c': 'd' }, finalizers: ['foregroundDeletion', 'x.y/z'] }, []],
    ['name', { name: 'Web' }, [`metadata.name: Invalid value: "Web": ${subdomain}`]],
    ['no name', { name: '' }, ['metadata.name: Required value: name or generateName is required']],
    ['generated', { name: 'web-abcde', generateName: 'web-' }, []],
    ['no namespace', { namespace: '' }, ['metadata.namespace: Required value']],
    ['label value', { labels: { a: '-' } }, [`metadata.labels: Invalid value: "-": ${labelValue}`]],
    [
      'annotations',
      { annotations: { a: 'x'.repeat(262144) } },
      ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    ],
    ['annotation keys in any case', { annotations: { 'Example.com/A': '' } }, []],
    [
      'finalizer',
      { finalizers: ['x'] },
      [
        'metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
      ],
    ],
    [
      'owner',
      { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: '' }] },
      ['metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
    ],
  ])('%s', (_, extra, expected) => expect(check(extra)).toEqual(expected))

  test('two controllers', () => {
    const owner = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', name, uid: name, controller: true })
    expect(check({ ownerReferences: [owner('a'), owner('b')] })[0]).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for Pod/a and Pod/b',
    )
  })

  test('cluster-scoped objects have no namespace', () => {
    expect(lines(validateObjectMeta(meta(), { namespaced: false }))).toEqual([
      'metadata.namespace: Forbidden: not allowed on this type',
    ])
  })

  test.each<[string, Partial<ObjectMeta>, Partial<ObjectMeta>, string[]]>([
    ['nothing changed', {}, {}, []],
    ['name', { name: 'x' }, {}, ['metadata.name: Invalid value: "x": field is immutable']],
    ['uid', { uid: 'b' }, { uid: 'a' }, ['metadata.uid: Invalid value: "b": field is immutable']],
    [
      'no version',
      { resourceVersion: '' },
      {},
      ['metadata.resourceVersion: Invalid value: "": must be specified for an update'],
    ],
    [
      'finalizers while being deleted',
      { finalizers: ['a/b', 'c/d'], deletionTimestamp: 't' },
      { finalizers: ['a/b'], deletionTimestamp: 't' },
      [
        'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
      ],
    ],
  ])('update: %s', (_, next, old, expected) => {
    const base = { resourceVersion: '1', creationTimestamp: 't0' }
    expect(lines(validateObjectMetaUpdate(meta({ ...base, ...next }), meta({ ...base, ...old })))).toEqual(expected)
  })
})
