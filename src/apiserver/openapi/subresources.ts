/** The paths of subresources other than `status` and `scale`. */
import type { Subresource } from '../discovery/subresources.ts'
import type { Json } from './json.ts'
import { capital, typeNameOf } from './names.ts'
import { anyBody, ok, okOrAccepted, okOrCreated, produces } from './operations.ts'
import { pathParameter, subresourceParameters, writeParameters } from './parameters.ts'
import type { ResourcePaths } from './paths.ts'

const text: Json = { type: 'string' }

/** `item` is the path of an object, `parameters` those it has. */
export function subresourcePaths(of: ResourcePaths, item: string, parameters: readonly Json[]): Json {
  return Object.assign({}, ...of.resource.subresources.map((sub) => pathsOf(of, sub, { item, parameters }))) as Json
}

interface Place {
  readonly item: string
  readonly parameters: readonly Json[]
}

function pathsOf(of: ResourcePaths, sub: Subresource, { item, parameters }: Place): Json {
  const path = `${item}/${sub.name}`
  if (sub.kind.endsWith('Options')) return connections(of, sub, { item, parameters })
  if (sub.name === 'log') return { [path]: { get: log(of), parameters } }
  const what = capital(sub.name)
  const typeName = typeNameOf({ ...of.resource, ...sub })
  const item_ = of.item({ typeName, what, verbs: sub.verbs })
  const create = sub.verbs.includes('create') && { post: creation(of, sub, typeName) }
  return { [path]: { ...item_, ...create, parameters } }
}

function log(of: ResourcePaths): Json {
  return of.operation('read', 'Log', {
    action: 'get',
    description: `read log of the specified ${of.resource.kind}`,
    parameters: subresourceParameters['log'] ?? [],
    answer: text,
    produces: produces.text,
    codes: ok,
  })
}

function creation(of: ResourcePaths, { name }: Subresource, typeName: string): Json {
  const object = of.components.ref(typeName)
  return of.operation('create', capital(name), {
    typeName,
    action: 'post',
    description: `create ${name} of a ${of.resource.kind}`,
    parameters: writeParameters,
    body: { types: anyBody, schema: object },
    answer: object,
    produces: produces.object,
    codes: { ...okOrCreated, ...okOrAccepted },
  })
}

const streamMethods = ['get', 'post']
/** TRACE and CONNECT are passed on by no proxy. */
const proxyMethods = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put']

/** What goes on as a connection; a proxy also has every path below its own. */
function connections(of: ResourcePaths, sub: Subresource, { item, parameters }: Place): Json {
  const path = `${item}/${sub.name}`
  const options = [...parameters.filter(({ name }) => name !== 'pretty'), ...(subresourceParameters[sub.kind] ?? [])]
  if (sub.name !== 'proxy') return { [path]: { ...connect(of, sub, streamMethods, ''), parameters: options } }
  return {
    [path]: { ...connect(of, sub, proxyMethods, ''), parameters: options },
    [`${path}/{path}`]: {
      ...connect(of, sub, proxyMethods, 'WithPath'),
      parameters: [...options, pathParameter('path', 'The path behind the proxy.')],
    },
  }
}

function connect(of: ResourcePaths, sub: Subresource, methods: readonly string[], ending: string): Json {
  const typeName = typeNameOf({ ...of.resource, ...sub })
  return Object.fromEntries(
    methods.map((method) => [
      method,
      of.operation(`connect ${capital(method)}`, `${capital(sub.name)}${ending}`, {
        typeName,
        action: 'connect',
        description: `connect ${method.toUpperCase()} requests to ${sub.name} of ${of.resource.kind}`,
        answer: text,
        produces: produces.stream,
        codes: ok,
      }),
    ]),
  )
}
