/** Requests that are right, and what can be done to them. Pure but for the randomness handed in. */
import { definitions } from '../../api/index.ts'
import { apiVersionOf } from '../../api/resource.ts'
import { mediaTypes } from '../http/negotiation.ts'
import { encodeObject } from '../protobuf/index.ts'
import type { Random } from './random.ts'

export interface FuzzRequest {
  readonly method: string
  /** Path and query, as they go on the wire. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

const ns = '/api/v1/namespaces/default'
const apps = '/apis/apps/v1/namespaces/default'
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const service = {
  spec: { type: 'NodePort', selector: { a: 'b' }, ports: [{ name: 'http', port: 80, targetPort: 'x' }] },
}
const deployment = { spec: { replicas: 2, selector: { matchLabels: { a: 'b' } }, template } }
const slice = { addressType: 'IPv4', endpoints: [{ addresses: ['10.244.0.1'] }], ports: [{ name: '', port: 80 }] }

/** Collections with an object that can be created in them. */
const kinds: readonly (readonly [string, object])[] = [
  [`${ns}/configmaps`, { data: { a: 'b' } }],
  [`${ns}/secrets`, { data: { a: 'Yg==' } }],
  [`${ns}/services`, service],
  [`${ns}/pods`, { spec: template.spec }],
  [`${ns}/endpoints`, { subsets: [{ addresses: [{ ip: '10.244.0.1' }], ports: [{ port: 80 }] }] }],
  ['/api/v1/nodes', { spec: { podCIDR: '10.244.0.0/24' }, status: { capacity: { cpu: '1' } } }],
  [`${apps}/deployments`, deployment],
  [`${apps}/statefulsets`, { spec: { ...deployment.spec, serviceName: 's' } }],
  ['/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', slice],
  ['/apis/coordination.k8s.io/v1/namespaces/default/leases', { spec: { leaseDurationSeconds: 5 } }],
]

const reads = [
  '',
  '?limit=2',
  '?labelSelector=a%20in%20(b,c),!d',
  '?fieldSelector=metadata.name%3Dx',
  '?resourceVersion=0&resourceVersionMatch=NotOlderThan',
  '?watch=1&timeoutSeconds=1&allowWatchBookmarks=true',
  '?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
  '?limit=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiYSJ9',
]

const fixed = [
  '/',
  '/api',
  '/apis',
  '/apis/apps',
  '/api/v1',
  '/openapi/v2',
  '/openapi/v3',
  '/version',
  '/healthz',
  '/x',
]

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

const accepts = [
  'application/json',
  'application/yaml',
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  `${mediaTypes.protobuf},application/json`,
]

/** A request nobody could object to. */
export function soundRequest(random: Random): FuzzRequest {
  const [collection, content] = random.pick(kinds)
  const name = `n${random.int(5)}`
  const object = { metadata: { name, labels: { a: 'b' } }, ...content }
  const json = { 'content-type': 'application/json', accept: random.pick(accepts) }
  const send = (method: string, target: string, body?: unknown, headers: Record<string, string> = json) => ({
    method,
    target,
    headers,
    body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
  })
  const query = random.pick(['', '', '?dryRun=All', '?fieldValidation=Strict', '?fieldManager=f&force=true'])
  const subresource = random.pick(['', '', '/status', '/scale', '/log', '/binding'])
  switch (random.int(8)) {
    case 0:
      return send('GET', random.pick(fixed))
    case 1:
      return send('GET', `${collection}/${name}${subresource}`)
    case 2:
      return send('GET', `${collection}${random.pick(reads)}`)
    case 3:
      return send('PUT', `${collection}/${name}${subresource}${query}`, object)
    case 4:
      return send('PATCH', `${collection}/${name}${query}`, patch(random, object), {
        ...json,
        'content-type': random.pick(patchTypes),
      })
    case 5:
      return send('DELETE', `${collection}${random.chance(0.9) ? `/${name}` : '?labelSelector=a%3Db'}`, {
        gracePeriodSeconds: 0,
      })
    case 6:
      return {
        ...send(random.pick(['POST', 'PUT']), `${collection}${random.pick(['', `/${name}`])}${query}`),
        headers: { ...json, 'content-type': mediaTypes.protobuf },
        body: encodeObject({ ...kindOf(collection), ...object }),
      }
    default:
      return send('POST', `${collection}${query}`, object)
  }
}

/** Of the objects in a collection, named by its path. */
function kindOf(collection: string) {
  const [plural, ...path] = collection.split('/').reverse()
  const found = definitions.find((one) => one.plural === plural && path.join('/').includes(one.version))
  if (!found) throw new Error(`no kind is served at ${collection}`)
  return { apiVersion: apiVersionOf(found), kind: found.kind }
}

function patch(random: Random, object: object): unknown {
  const path = random.pick(['/metadata/labels/a', '/spec/ports/0', '/data/a', '/spec/template/spec/containers/-', ''])
  const op = random.pick(['add', 'remove', 'replace', 'test', 'move', 'copy'])
  return random.chance(0.3) ? [{ op, path, from: '/metadata/labels', value: object }] : object
}

/** The same request with something wrong about it. */
export function mutated(request: FuzzRequest, random: Random): FuzzRequest {
  switch (random.int(5)) {
    case 0:
      return {
        ...request,
        method: random.pick(['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'LOCK']),
      }
    case 1:
      return { ...request, target: mutatedTarget(request.target, random) }
    case 2:
      return { ...request, headers: mutatedHeaders(request.headers, random) }
    default:
      return { ...request, body: mutatedBody(request.body ?? Buffer.from('{}'), random) }
  }
}

const segments = [
  '..',
  '.',
  '%2e%2e',
  '%2e%2e%2fsecrets',
  '%00',
  '%ff%fe',
  '%',
  '%zz',
  '',
  'default',
  'namespaces',
  'constructor',
  '__proto__',
  'watch',
  'status',
  'exec',
  'a'.repeat(3000),
  '%F0%9F%98%80',
]

const queries = [
  'labelSelector=!!',
  'labelSelector=a%20in%20(',
  'labelSelector=a%3D%3D%3Db',
  'labelSelector=__proto__%3Dx',
  `labelSelector=${'a,'.repeat(2000)}`,
  `labelSelector=${'('.repeat(2000)}`,
  `labelSelector=a%3E${'9'.repeat(500)}`,
  'fieldSelector=constructor%3Dx',
  'fieldSelector=%5C',
  'fieldSelector=metadata.name%3D%5Cx',
  'limit=-5',
  'limit=1e9',
  'limit=99999999999999999999',
  'continue=%21%21',
  `continue=${'A'.repeat(3000)}`,
  'resourceVersion=abc',
  'resourceVersion=-1',
  'resourceVersion=99999999999999999999999',
  'resourceVersionMatch=Maybe',
  'timeoutSeconds=x',
  'timeoutSeconds=-1',
  'sendInitialEvents=perhaps',
  'dryRun=Some',
  'fieldValidation=Hard',
  `fieldManager=${'m'.repeat(200)}`,
  'includeObject=Everything',
  'watch=1&watch=0',
  'gracePeriodSeconds=soon',
  'propagationPolicy=Later',
  'tailLines=-1&limitBytes=x',
  '%00=%00',
  'a=%ff%fe',
]

function mutatedTarget(target: string, random: Random): string {
  const [path = '/', query = ''] = target.split('?')
  if (random.chance(0.5)) return `${path}?${query ? `${query}&` : ''}${random.pick(queries)}`
  const parts = path.split('/')
  const at = random.int(parts.length)
  if (random.chance(0.5)) parts[at] = random.pick(segments)
  else parts.splice(at, 0, random.pick(segments))
  const joined = parts.join('/')
  return `${joined.startsWith('/') ? '' : '/'}${joined}${query && `?${query}`}`
}

function mutatedHeaders(headers: FuzzRequest['headers'], random: Random): Record<string, string> {
  const [name, value] = random.pick([
    ['content-type', 'text/html'],
    ['content-type', 'application/json;charset=utf-16'],
    ['content-type', 'application/yaml'],
    ['content-type', mediaTypes.protobuf],
    ['content-type', 'application/cbor'],
    ['content-type', ';;;'],
    ['content-type', ''],
    ['accept', 'text/html'],
    ['accept', 'application/json;as=Everything;v=v9;g=meta.k8s.io'],
    ['accept', `${'a/b,'.repeat(2000)}*/*`],
    ['accept', ';;,,=;q=z'],
    ['accept-encoding', 'gzip;q=9,*;q=x'],
    ['x-http-method-override', 'DELETE'],
    ['if-match', '"5"'],
    ['range', 'bytes=0-1'],
    ['content-encoding', 'gzip'],
    ['user-agent', '\t'.repeat(50)],
    ['impersonate-user', ''],
  ] as const)
  return { ...headers, [name]: value }
}

const values: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  2 ** 53,
  1e308,
  '',
  '\u0000',
  '\ud800',
  'x'.repeat(70_000),
  [],
  [[]],
  {},
  { $patch: 'delete' },
  [{ $patch: 'replace' }],
  { constructor: { prototype: 1 } },
  '2026-13-45T99:99:99Z',
  '1e9999Gi',
  '999999.999999.999999',
]

const raw = [
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '{"metadata":{"name":"a","name":"b"}}',
  '{"__proto__":{"x":1},"metadata":{"name":"proto"}}',
  '{"metadata":{"labels":{"__proto__":"x"}}}',
  `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  '['.repeat(100_000),
  'a: &a [*a, *a]',
  'a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]',
  '---\n---\n...',
  '\ufeff{}',
  'k8s\0\n\x07',
  'k8s\0\n\xff\xff\xff\xff\x0f',
]

function mutatedBody(body: Buffer, random: Random): Buffer {
  switch (random.int(5)) {
    case 0:
      return Buffer.from(random.pick(raw), 'latin1')
    case 1:
      return body.subarray(0, random.int(body.length + 1))
    case 2: {
      const bytes = Buffer.from(body)
      for (let i = 0; i < 1 + random.int(4) && bytes.length > 0; i++) bytes[random.int(bytes.length)] = random.int(256)
      return bytes
    }
    default:
      return withStrangeValue(body, random)
  }
}

function withStrangeValue(body: Buffer, random: Random): Buffer {
  try {
    return Buffer.from(JSON.stringify(withStrangeField(JSON.parse(body.toString()), random)))
  } catch {
    // No JSON, or nested too deep to be written again: strange enough.
    return body
  }
}

/** Some field, somewhere, holds something else. */
function withStrangeField(root: unknown, random: Random): unknown {
  const value = random.pick(values)
  let at: unknown = root
  while (typeof at === 'object' && at !== null) {
    const fields = at as Record<string, unknown>
    const names = Object.keys(fields)
    const name = names.length > 0 ? random.pick(names) : 'unknown'
    const inner = fields[name]
    if (typeof inner === 'object' && inner !== null && random.chance(0.8)) {
      at = inner
      continue
    }
    fields[random.chance(0.1) ? 'unknown' : name] = value
    return root
  }
  return value
}
