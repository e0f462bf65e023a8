import { expect, test } from 'vitest'
import { negotiate } from './negotiation.ts'

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'

test.each([
  [undefined, 'json', 'object'],
  ['application/json, */*', 'json', 'object'],
  ['application/yaml', 'yaml', 'object'],
  [`${table},application/json`, 'json', 'table'],
  [`application/json;as=Table;v=v1beta1;g=meta.k8s.io,${table}`, 'json', 'table'],
  ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'json', 'metadata'],
  ['application/vnd.kubernetes.protobuf,application/json', 'json', 'object'],
  ['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json', 'json', 'object'],
])('Accept: %s', (accept, format, as) => expect(negotiate(accept)).toEqual({ format, as }))

test('what cannot be served is refused', () => {
  expect(() => negotiate('application/vnd.kubernetes.protobuf')).toThrow('only the following media types are accepted')
})
