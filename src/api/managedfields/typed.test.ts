import { expect, test } from 'vitest'
import { typeSchema } from '../machinery/schema.ts'
import { typedError } from './typed.ts'

const container = (more: object) => ({ spec: { containers: [{ name: 'c', ...more }] } })
const at = '.spec.containers[name="c"]'

test.each<[string, object, string | undefined]>([
  [
    'what is right',
    container({ ports: [{ containerPort: 80 }], resources: { limits: { cpu: 1, memory: '1Gi' } } }),
    undefined,
  ],
  [
    'null everywhere',
    { spec: { containers: null, nodeName: null, nodeSelector: { a: null } }, status: null },
    undefined,
  ],
  ['an unknown field', { spec: { foo: 1 } }, '.spec.foo: field not declared in schema'],
  [
    'unknown fields, of which one is told of each struct',
    { spec: { foo: 1, bar: 2 }, metadata: { baz: 3 } },
    'errors:\n  .spec.foo: field not declared in schema\n  .metadata.baz: field not declared in schema',
  ],
  ['a map that is none', { metadata: { labels: 'x' } }, '.metadata.labels: expected map, got &{x}'],
  ['a struct that is none', { spec: ['x', 1] }, '.spec: expected map, got &{[x 1]}'],
  ['a list that is none', { spec: { containers: { a: true } } }, '.spec.containers: expected list, got &{map[a:true]}'],
  [
    'a string that is a number',
    container({ env: [{ name: 'A', value: 1 }] }),
    `${at}.env[name="A"].value: expected string, got &value.valueUnstructured{Value:1}`,
  ],
  [
    'a string that is a map',
    container({ image: { a: ['b', null] } }),
    `${at}.image: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"a":[]interface {}{"b", interface {}(nil)}}}`,
  ],
  [
    'a number that is a string',
    container({ ports: [{ containerPort: 80, hostPort: '1' }] }),
    `${at}.ports[containerPort=80,protocol="TCP"].hostPort: expected numeric (int or float), got string`,
  ],
  [
    'a number that is a map',
    { spec: { priority: {} } },
    '.spec.priority: expected numeric (int or float), got map[string]interface {}',
  ],
  ['a boolean that is a string', { spec: { hostNetwork: 'yes' } }, '.spec.hostNetwork: expected boolean, got &{yes}'],
  [
    'a quantity that is a list',
    container({ resources: { limits: { cpu: [1] } } }),
    `${at}.resources.limits.cpu: expected any scalar, got &{[1]}`,
  ],
  [
    'a wrong item of an atomic list',
    { spec: { tolerations: [{}, { key: 1 }] } },
    '.spec.tolerations[1].key: expected string, got &value.valueUnstructured{Value:1}',
  ],
  [
    'items of one key',
    container({ env: [{ name: 'A' }, { name: 'A' }] }),
    `${at}.env: duplicate entries for key [name="A"]`,
  ],
  [
    'items of one value',
    { metadata: { finalizers: ['a/b', 'a/b'] } },
    '.metadata.finalizers: duplicate entries for key [="a/b"]',
  ],
  [
    'an item that is no map',
    { spec: { containers: ['c'] } },
    '.spec.containers: element 0: associative list with keys may not have non-map elements',
  ],
  [
    'an item that is null',
    { spec: { containers: [null] } },
    '.spec.containers: element 0: associative list with keys may not have a null element',
  ],
  [
    'a member of a set that is a map',
    { metadata: { finalizers: [{}] } },
    ".metadata.finalizers: element 0: associative list without keys has an element that's a map type",
  ],
  [
    'a member of a set that is null',
    { metadata: { finalizers: [null] } },
    ".metadata.finalizers: element 0: associative list without keys has an element that's an explicit null",
  ],
])('%s', (_name, config, error) => {
  expect(typedError(config, typeSchema('v1.Pod'))).toBe(error)
})
