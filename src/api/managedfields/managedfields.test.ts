import { describe, expect, test } from 'vitest'
import { typeSchema } from '../machinery/schema.ts'
import { FieldSet, formatPath } from './field-set.ts'
import { merge } from './merge.ts'
import { decodeOwners, encodeOwners, type Owner } from './owners.ts'
import { topologyOfType } from './topology.ts'
import { appliedFields, compare } from './walk.ts'

const service = topologyOfType(typeSchema('v1.Service'))
const deployment = topologyOfType(typeSchema('apps/v1.Deployment'))

const web = {
  metadata: { labels: { a: 'b' }, finalizers: ['x/y'] },
  spec: { selector: { a: 'b' }, ports: [{ port: 80, name: 'http' }], externalIPs: ['1.2.3.4'] },
}

function paths(set: FieldSet): string[] {
  return [...set.paths()].map(formatPath)
}

describe('a set of fields', () => {
  test('is written as FieldsV1 and read again', () => {
    const fields = appliedFields(web, service).toFieldsV1()
    expect(fields).toEqual({
      'f:metadata': { 'f:finalizers': { 'v:"x/y"': {} }, 'f:labels': { 'f:a': {} } },
      'f:spec': {
        'f:externalIPs': {},
        'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } },
        'f:selector': {},
      },
    })
    expect(FieldSet.fromFieldsV1(fields).toFieldsV1()).toEqual(fields)
  })

  test('has union, difference and intersection of exact paths', () => {
    const a = FieldSet.fromFieldsV1({ 'f:x': {}, 'f:y': { '.': {}, 'f:z': {} } })
    const b = FieldSet.fromFieldsV1({ 'f:y': {}, 'f:w': {} })
    expect(paths(a.union(b))).toEqual(['.w', '.x', '.y', '.y.z'])
    expect(paths(a.difference(b))).toEqual(['.x', '.y.z'])
    expect(paths(a.intersection(b))).toEqual(['.y'])
    expect(a.difference(a).isEmpty).toBe(true)
    expect(a.equals(b)).toBe(false)
    expect(a.has(['f:y', 'f:z'])).toBe(true)
  })
})

test('what has one owner as a whole is compared as a whole', () => {
  const after = { ...web, spec: { ...web.spec, selector: { a: 'b', c: 'd' }, externalIPs: [] } }
  const { added, modified, removed } = compare(web, after, service)
  expect(paths(modified)).toEqual(['.spec.externalIPs', '.spec.selector'])
  expect([...paths(added), ...paths(removed)]).toEqual([])
})

test('structs held by value never come or go, but with what they are in', () => {
  const container = { name: 'c', resources: {} }
  const after = { spec: { template: { spec: { containers: [container] } }, strategy: { type: 'Recreate' } } }
  expect(paths(compare({}, after, deployment).added)).toEqual([
    '.spec.strategy.type',
    '.spec.template.spec.containers[name="c"]',
    '.spec.template.spec.containers[name="c"].name',
    '.spec.template.spec.containers[name="c"].resources',
  ])
})

test('items that come and go are named with all that is in them', () => {
  const after = { ...web, spec: { ...web.spec, ports: [{ port: 443 }] } }
  const { added, removed } = compare(web, after, service)
  expect(paths(added)).toEqual(['.spec.ports[port=443,protocol="TCP"]', '.spec.ports[port=443,protocol="TCP"].port'])
  expect(paths(removed)).toEqual([
    '.spec.ports[port=80,protocol="TCP"]',
    '.spec.ports[port=80,protocol="TCP"].name',
    '.spec.ports[port=80,protocol="TCP"].port',
  ])
})

test.each([
  [
    'what its type has as a whole',
    'v1.Pod',
    { metadata: { ownerReferences: [{ uid: 'u', name: 'n' }] } },
    ['.metadata.ownerReferences[uid="u"]'],
  ],
  [
    'what is shared although its type is not',
    'v1.PersistentVolume',
    { spec: { claimRef: { name: 'n' } } },
    ['.spec.claimRef.name'],
  ],
  ['a map that is one thing', 'v1.Pod', { spec: { nodeSelector: { a: 'b' } } }, ['.spec.nodeSelector']],
  [
    'an item whose key has a default',
    'v1.Pod',
    { spec: { imagePullSecrets: [{}] } },
    ['.spec.imagePullSecrets[name=""]'],
  ],
  ['a set', 'v1.Node', { spec: { podCIDRs: ['10.0.0.0/24'] } }, ['.spec.podCIDRs[="10.0.0.0/24"]']],
])('%s is owned as that', (_what, type, value, expected) => {
  expect(paths(appliedFields(value, topologyOfType(typeSchema(type))))).toEqual(expected)
})

const containers = (names: string) => ({
  spec: { template: { spec: { containers: names.split('').map((name) => ({ name })) } } },
})
const namesIn = (value: unknown) =>
  (value as ReturnType<typeof containers>).spec.template.spec.containers.map(({ name }) => name).join('')

test.each([
  ['abc', 'b', 'abc'],
  ['abc', 'ca', 'bca'],
  ['abc', 'xc', 'abxc'],
  ['', 'ab', 'ab'],
  ['ab', 'dba', 'dba'],
])('%s with %s applied comes in the order %s', (live, config, merged) => {
  expect(namesIn(merge(containers(live), containers(config), deployment))).toBe(merged)
})

describe('managedFields', () => {
  const owner = (manager: string, time: string): Owner => ({
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    subresource: '',
    time,
    fields: FieldSet.fromFieldsV1({ [`f:${manager}`]: {} }),
  })

  test('keep the last ten updaters apart', () => {
    const many = Array.from({ length: 14 }, (_, i) => owner(`m${i}`, `2026-01-01T00:00:${String(i).padStart(2, '0')}Z`))
    const entries = encodeOwners(many)
    expect(entries.length).toBe(10)
    expect(entries.find(({ manager }) => manager === 'ancient-changes')).toMatchObject({
      time: '2026-01-01T00:00:04Z',
      fieldsV1: { 'f:m0': {}, 'f:m4': {} },
    })
  })

  test('keep the last ten updaters apart in each version, whatever they update', () => {
    const many = Array.from({ length: 12 }, (_, i): Owner => {
      const made = owner(`m${i}`, `2026-01-01T00:00:${String(i).padStart(2, '0')}Z`)
      return { ...made, apiVersion: i % 2 ? 'v1' : 'v2', subresource: 'status' }
    })
    const ancient = encodeOwners(many).filter(({ manager }) => manager === 'ancient-changes')
    expect(ancient.map(({ apiVersion, fieldsV1 }) => [apiVersion, fieldsV1])).toEqual([
      ['v2', { 'f:m0': {}, 'f:m2': {} }],
      ['v1', { 'f:m1': {}, 'f:m3': {} }],
    ])
  })

  test.each([
    ['an unknown operation', { operation: 'Eat' }],
    ['fields that are none', { operation: 'Apply', fieldsV1: { x: {} } }],
    ['a key that is no JSON', { operation: 'Apply', fieldsV1: { 'k:{': {} } }],
    ['another format', { operation: 'Apply', fieldsType: 'FieldsV2' }],
    ['no object', { operation: 'Apply', fieldsV1: [] }],
  ])('with %s are not read', (_what, entry) => {
    expect(decodeOwners([entry])).toBeUndefined()
  })
})
