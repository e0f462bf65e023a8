/** The `paths` part: what can be asked of each resource, and with which parameters. */
import type { ResourceDefinition } from '../resource.ts'
import type { Json } from './openapi.ts'
import type { Components, GroupVersion } from './openapi-schemas.ts'

const jsonType = 'application/json'
const bodyTypes = [jsonType, 'application/yaml']
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

const query = (name: string, type: 'string' | 'boolean' | 'integer', description: string): Json => ({
  name,
  in: 'query',
  description,
  schema: { type, uniqueItems: true },
})

const pretty = query('pretty', 'string', 'Indents the answer when it is "true".')

const writeParameters = [
  query('dryRun', 'string', 'With "All", every stage is processed and nothing is stored.'),
  query('fieldManager', 'string', 'The name of the actor that makes the change, at most 128 characters.'),
  query(
    'fieldValidation',
    'string',
    'What to do about unknown and duplicate fields: Ignore drops them, Warn (the default) also sends a warning for each, Strict fails the request.',
  ),
]

const patchParameters = [
  ...writeParameters,
  query('force', 'boolean', 'An apply also takes fields that other managers own.'),
]

const listParameters = [
  query('allowWatchBookmarks', 'boolean', 'The watch may send events of type BOOKMARK.'),
  query('continue', 'string', 'The position an earlier list with a limit ended at.'),
  query('fieldSelector', 'string', 'Restricts the answer to objects with these field values.'),
  query('labelSelector', 'string', 'Restricts the answer to objects with these labels.'),
  query('limit', 'integer', 'The largest number of objects to return.'),
  query('resourceVersion', 'string', 'Constrains which version of the data is served.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is applied to a list.'),
  query('sendInitialEvents', 'boolean', 'A watch begins with the existing objects.'),
  query('timeoutSeconds', 'integer', 'Ends the call after this time.'),
  query('watch', 'boolean', 'Watch for changes instead of listing.'),
]

const deleteParameters = [
  query('dryRun', 'string', 'With "All", every stage is processed and nothing is stored.'),
  query('gracePeriodSeconds', 'integer', 'Seconds until the object is removed.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'Whether and how dependents are collected: Orphan, Background or Foreground.'),
]

const pathParameter = (name: string, description: string): Json => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string', uniqueItems: true },
})

interface Operation {
  readonly id: string
  readonly action: string
  readonly kind: Json
  readonly tag: string
  readonly parameters: readonly Json[]
  readonly body?: { readonly types: readonly string[]; readonly schema: Json; readonly required?: boolean }
  readonly answer: Json
  readonly codes: Readonly<Record<string, string>>
}

const ok = { 200: 'OK' }
const okOrCreated = { ...ok, 201: 'Created' }

function operation({ id, action, kind, tag, parameters, body, answer, codes }: Operation): Json {
  const content = (types: readonly string[], schema: Json) =>
    Object.fromEntries(types.map((type) => [type, { schema }]))
  return {
    tags: [tag],
    operationId: id,
    parameters,
    ...(body && {
      requestBody: { content: content(body.types, body.schema), ...(body.required !== false && { required: true }) },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(codes).map(([code, description]) => [
          code,
          { description, content: content([jsonType], answer) },
        ]),
      ),
      401: { description: 'Unauthorized' },
    },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
  }
}

/** `coreV1`, `appsV1`, `discoveryV1`: the part of operation ids and tags that names the group version. */
function groupName({ group }: GroupVersion): string {
  return group ? (group.split('.')[0] ?? '') : 'core'
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

export function openApiPaths(
  groupVersion: GroupVersion,
  definitions: readonly ResourceDefinition[],
  components: Components,
): Json {
  const { group, version } = groupVersion
  const base = group ? `/apis/${group}/${version}` : `/api/${version}`
  const tag = `${groupName(groupVersion)}_${version}`
  const list = operation({
    id: `get${capital(groupName(groupVersion))}${capital(version)}APIResources`,
    action: 'get',
    kind: { group: '', kind: 'APIResourceList', version: 'v1' },
    tag,
    parameters: [],
    answer: components.ref('meta/v1.APIResourceList'),
    codes: ok,
  })
  const paths: Json = { [`${base}/`]: { get: list } }
  for (const definition of definitions) Object.assign(paths, new ResourcePaths(definition, components, base, tag).all())
  return paths
}

class ResourcePaths {
  readonly #definition: ResourceDefinition
  readonly #components: Components
  readonly #base: string
  readonly #tag: string
  readonly #typeName: string

  constructor(definition: ResourceDefinition, components: Components, base: string, tag: string) {
    this.#definition = definition
    this.#components = components
    this.#base = base
    this.#tag = tag
    const { group, version, kind } = definition
    this.#typeName = `${group ? `${group}/${version}` : version}.${kind}`
  }

  all(): Json {
    const { namespaced, plural, kind } = this.#definition
    const collection = `${this.#base}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`
    const item = `${collection}/{name}`
    const scope = namespaced ? [pathParameter('namespace', 'The namespace of the object.')] : []
    const named = [pathParameter('name', `The name of the ${kind}.`), ...scope]
    return {
      ...(namespaced && this.#serves('list') && { [`${this.#base}/${plural}`]: this.#everywhere() }),
      [collection]: { ...this.#collection(), parameters: [...scope, pretty] },
      // Reviews are asked, and never there to be read.
      ...(this.#serves('get') && {
        [item]: { ...this.#item(this.#typeName, ''), ...this.#remove(), parameters: [...named, pretty] },
      }),
      ...(this.#definition.status && {
        [`${item}/status`]: { ...this.#item(this.#typeName, 'Status'), parameters: [...named, pretty] },
      }),
      ...(this.#definition.scale && {
        [`${item}/scale`]: { ...this.#item('autoscaling/v1.Scale', 'Scale'), parameters: [...named, pretty] },
      }),
    }
  }

  #serves(verb: string): boolean {
    return this.#definition.verbs?.includes(verb) ?? true
  }

  #kind(typeName: string): Json {
    const dot = typeName.lastIndexOf('.')
    const [version, group = ''] = typeName.slice(0, dot).split('/').reverse()
    return { group, kind: typeName.slice(dot + 1), version }
  }

  #operation(verb: string, what: string, rest: Omit<Operation, 'id' | 'tag' | 'kind'> & { typeName?: string }): Json {
    const { namespaced, kind } = this.#definition
    const [group = '', version = ''] = this.#tag.split('_')
    const id = `${verb}${capital(group)}${capital(version)}${namespaced ? 'Namespaced' : ''}${kind}${what}`
    return operation({ ...rest, id, tag: this.#tag, kind: this.#kind(rest.typeName ?? this.#typeName) })
  }

  #everywhere(): Json {
    const answer = this.#components.listRef(this.#typeName)
    return {
      get: this.#operation('list', 'ForAllNamespaces', { action: 'list', parameters: [], answer, codes: ok }),
      parameters: [...listParameters, pretty],
    }
  }

  #collection(): Json {
    const object = this.#components.ref(this.#typeName)
    const status = this.#components.ref('meta/v1.Status')
    const options = this.#components.ref('meta/v1.DeleteOptions')
    return {
      ...(this.#serves('list') && {
        get: this.#operation('list', '', {
          action: 'list',
          parameters: listParameters,
          answer: this.#components.listRef(this.#typeName),
          codes: ok,
        }),
      }),
      ...(this.#serves('create') && {
        post: this.#operation('create', '', {
          action: 'post',
          parameters: writeParameters,
          body: { types: bodyTypes, schema: object },
          answer: object,
          codes: { ...okOrCreated, 202: 'Accepted' },
        }),
      }),
      ...(this.#serves('deletecollection') && {
        delete: this.#operation('delete', 'Collection', {
          action: 'deletecollection',
          parameters: [...listParameters.filter((p) => !String(p['name']).match(/watch|Watch/)), ...deleteParameters],
          body: { types: bodyTypes, schema: options, required: false },
          answer: status,
          codes: ok,
        }),
      }),
    }
  }

  /** Reading and changing one object, through the main resource or a subresource. */
  #item(typeName: string, what: string): Json {
    const object = this.#components.ref(typeName)
    const shared = { typeName, answer: object }
    return {
      ...(this.#serves('get') && {
        get: this.#operation('read', what, { ...shared, action: 'get', parameters: [], codes: ok }),
      }),
      ...(this.#serves('update') && {
        put: this.#operation('replace', what, {
          ...shared,
          action: 'put',
          parameters: writeParameters,
          body: { types: bodyTypes, schema: object },
          codes: okOrCreated,
        }),
      }),
      ...(this.#serves('patch') && {
        patch: this.#operation('patch', what, {
          ...shared,
          action: 'patch',
          parameters: patchParameters,
          body: { types: patchTypes, schema: this.#components.patchRef() },
          codes: okOrCreated,
        }),
      }),
    }
  }

  #remove(): Json {
    if (!this.#serves('delete')) return {}
    return {
      delete: this.#operation('delete', '', {
        action: 'delete',
        parameters: deleteParameters,
        body: { types: bodyTypes, schema: this.#components.ref('meta/v1.DeleteOptions'), required: false },
        answer: this.#components.ref('meta/v1.Status'),
        codes: { ...ok, 202: 'Accepted' },
      }),
    }
  }
}
