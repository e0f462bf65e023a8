import { expect, test } from 'vitest'
import { decodeProtobufBody } from './body.ts'

type Part = [number, string | number | Buffer]

/** A message of small numbers, strings and messages: enough for tests. */
function message(...parts: Part[]): Buffer {
  return Buffer.concat(
    parts.map(([number, value]) => {
      if (typeof value === 'number') return Buffer.from([number << 3, value])
      const bytes = Buffer.from(value)
      return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
    }),
  )
}

function envelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  return Buffer.concat([Buffer.from('k8s\0'), message([1, message([1, apiVersion], [2, kind])], [2, raw])])
}

const of = (apiVersion: string, kind: string) => {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  return { group, version, kind }
}

function decoded(apiVersion: string, kind: string, raw: Buffer, schemaName?: string): unknown {
  return decodeProtobufBody(of(apiVersion, kind), envelope(apiVersion, kind, raw), schemaName)
}

test('maps, nested messages and times', () => {
  const metadata = message([1, 'a'], [2, ''], [11, message([1, 'app'], [2, 'web'])], [8, message([1, 60])])
  expect(decoded('v1', 'ConfigMap', message([1, metadata], [2, message([1, 'k'], [2, 'v'])]))).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', labels: { app: 'web' }, creationTimestamp: '1970-01-01T00:01:00Z' },
    data: { k: 'v' },
  })
})

test('int-or-string, lists, and zeros that are absent fields', () => {
  const port = message([1, 'http'], [3, 80], [4, message([1, 1], [2, 0], [3, 'web'])], [5, 0])
  const spec = message([1, port], [3, ''], [4, 'ClusterIP'], [9, Buffer.alloc(0)])
  expect(decoded('v1', 'Service', message([2, spec]))).toMatchObject({
    spec: { ports: [{ name: 'http', port: 80, targetPort: 'web' }], type: 'ClusterIP' },
  })
})

test('zeros of pointers are kept', () => {
  expect(decoded('apps/v1', 'Deployment', message([2, message([1, 0], [5, 0])]))).toMatchObject({
    spec: { replicas: 0 },
  })
  expect(decoded('v1', 'DeleteOptions', message([1, 0]), 'meta/v1.DeleteOptions')).toMatchObject({
    gracePeriodSeconds: 0,
  })
  expect(decoded('v1', 'PersistentVolumeClaim', message([2, message([5, ''])]))).toMatchObject({
    spec: { storageClassName: '' },
  })
})

test('Go structs that are embedded only on the wire', () => {
  const handler = message([2, message([1, '/'], [2, message([1, 0], [2, 80])])])
  const container = message([1, 'c'], [10, message([1, handler], [2, 5])])
  const pod = message([2, message([2, container], [1, message([1, 'v'], [2, message([2, message([1, ''])])])])])
  expect(decoded('v1', 'Pod', pod)).toMatchObject({
    spec: {
      containers: [{ livenessProbe: { httpGet: { path: '/', port: 80 }, initialDelaySeconds: 5 } }],
      volumes: [{ name: 'v', emptyDir: {} }],
    },
  })
})
