import { expect, test } from 'vitest'
import { negotiate, negotiateFormat } from './negotiation.ts'

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const protobuf = 'application/vnd.kubernetes.protobuf'
const partial = 'as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

test.each([
  [undefined, 'json', 'object'],
  ['application/json, */*', 'json', 'object'],
  ['application/*', 'json', 'object'],
  ['application/yaml', 'yaml', 'object'],
  [`${table},application/json`, 'json', 'table'],
  [`application/json;as=Table;v=v1beta1;g=meta.k8s.io,${table}`, 'json', 'table'],
  [`application/json;${partial}`, 'json', 'metadata'],
  [`${protobuf},application/json`, 'protobuf', 'object'],
  [`${protobuf};q=0.5,application/json;q=0.9`, 'json', 'object'],
  [`application/json;q=0.8 , ${protobuf}`, 'protobuf', 'object'],
  [`*/*,${protobuf}`, 'protobuf', 'object'],
  [`${protobuf};stream=watch,application/json;stream=watch`, 'protobuf', 'object'],
  [`${protobuf};${partial},application/json;${partial},application/json`, 'protobuf', 'metadata'],
  [`${protobuf};as=Table;v=v1;g=meta.k8s.io,${table}`, 'json', 'table'],
  ['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json', 'json', 'object'],
])('Accept: %s', (accept, format, as) => expect(negotiate(accept)).toEqual({ format, as }))

test.each([
  'text/html',
  `${protobuf};as=Table;v=v1;g=meta.k8s.io`,
  'application/json;as=Foo;g=meta.k8s.io;v=v1',
  'json',
])('Accept: %s is refused', (accept) =>
  expect(() => negotiate(accept)).toThrow(
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  ),
)

test('errors are told in a format, never as something else', () => {
  expect(negotiateFormat(`${table},application/yaml`)).toBe('yaml')
  expect(negotiateFormat(`${protobuf};${partial},${protobuf}`)).toBe('protobuf')
  expect(negotiateFormat(table)).toBeUndefined()
})
