/** The paths of a resource: its collection, its objects, and the older form of watches. */
import type { Json } from './json.ts'
import { capital, groupName, groupVersionPath, typeNameOf } from './names.ts'
import {
  anyBody,
  type Operation,
  ok,
  okOrAccepted,
  okOrCreated,
  operation,
  patchTypes,
  produces,
} from './operations.ts'
import {
  deleteCollectionParameters,
  deleteParameters,
  listParameters,
  patchParameters,
  pathParameter,
  pretty,
  writeParameters,
} from './parameters.ts'
import type { OpenApiResource } from './resources.ts'
import type { Components } from './schemas.ts'
import { subresourcePaths } from './subresources.ts'

/** What reading and changing one object is about: the resource itself, or a subresource that is such an object. */
export interface Item {
  /** `apps/v1.Deployment`, `autoscaling/v1.Scale` */
  readonly typeName: string
  /** Ends the operation's id: '', `Status`. */
  readonly what: string
  readonly verbs: readonly string[]
}

export class ResourcePaths {
  readonly resource: OpenApiResource
  readonly components: Components
  readonly #base: string
  readonly #typeName: string

  constructor(resource: OpenApiResource, components: Components) {
    this.resource = resource
    this.components = components
    this.#base = `/${groupVersionPath(resource)}`
    this.#typeName = typeNameOf(resource)
  }

  all(): Json {
    const { namespaced, plural, verbs, status, scale } = this.resource
    const collection = `${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`
    const path = `${this.#base}/${collection}`
    const item = `${path}/{name}`
    const written = ['get', 'patch', 'update']
    const parameters = this.#itemParameters()
    return {
      ...(namespaced && this.#serves('list') && { [`${this.#base}/${plural}`]: this.#everywhere() }),
      [path]: { ...this.#collection(), parameters: [...this.#scope(), pretty] },
      // Reviews are asked, and never there to be read.
      ...(this.#serves('get') && {
        [item]: { ...this.item({ typeName: this.#typeName, what: '', verbs }), ...this.#remove(), parameters },
      }),
      ...(status && {
        [`${item}/status`]: {
          ...this.item({ typeName: this.#typeName, what: 'Status', verbs: written }),
          parameters,
        },
      }),
      ...(scale && {
        [`${item}/scale`]: {
          ...this.item({ typeName: 'autoscaling/v1.Scale', what: 'Scale', verbs: written }),
          parameters,
        },
      }),
      ...subresourcePaths(this, item, parameters),
      ...(this.#serves('watch') && this.#watches(collection)),
    }
  }

  /** `verb` begins the id; `what` ends it. */
  operation(verb: string, what: string, rest: Omit<Operation, 'id' | 'tag' | 'kind'> & { typeName?: string }): Json {
    const { group, version, namespaced, kind } = this.resource
    const name = groupName(group)
    const scoped = namespaced && !what.endsWith('ForAllNamespaces') ? 'Namespaced' : ''
    const [start = '', ...more] = verb.split(' ')
    const id = `${start}${capital(name)}${capital(version)}${more.join('')}${scoped}${kind}${what}`
    return operation({ ...rest, id, tag: `${name}_${version}`, kind: kindOf(rest.typeName ?? this.#typeName) })
  }

  /** Reading and changing one object. */
  item({ typeName, what, verbs }: Item): Json {
    const object = this.components.ref(typeName)
    const shared = { typeName, answer: object, produces: produces.object }
    const named = `${what && `${what.toLowerCase()} of `}the specified ${this.resource.kind}`
    return {
      ...(verbs.includes('get') && {
        get: this.operation('read', what, { ...shared, action: 'get', description: `read ${named}`, codes: ok }),
      }),
      ...(verbs.includes('update') && {
        put: this.operation('replace', what, {
          ...shared,
          action: 'put',
          description: `replace ${named}`,
          parameters: writeParameters,
          body: { types: anyBody, schema: object },
          codes: okOrCreated,
        }),
      }),
      ...(verbs.includes('patch') && {
        patch: this.operation('patch', what, {
          ...shared,
          action: 'patch',
          description: `partially update ${named}`,
          parameters: patchParameters,
          body: { types: patchTypes, schema: this.components.patchRef() },
          codes: okOrCreated,
        }),
      }),
    }
  }

  #serves(verb: string): boolean {
    return this.resource.verbs.includes(verb)
  }

  #scope(): Json[] {
    return this.resource.namespaced ? [pathParameter('namespace', 'The namespace of the object.')] : []
  }

  #itemParameters(): Json[] {
    return [pathParameter('name', `The name of the ${this.resource.kind}.`), ...this.#scope(), pretty]
  }

  #list(what: string, parameters: readonly Json[]): Json {
    return this.operation('list', what, {
      action: 'list',
      description: `list or watch objects of kind ${this.resource.kind}`,
      parameters,
      answer: this.components.listRef(this.#typeName),
      produces: produces.list,
      codes: ok,
    })
  }

  #everywhere(): Json {
    return { get: this.#list('ForAllNamespaces', []), parameters: [...listParameters, pretty] }
  }

  #collection(): Json {
    const { kind } = this.resource
    const object = this.components.ref(this.#typeName)
    return {
      ...(this.#serves('list') && { get: this.#list('', listParameters) }),
      ...(this.#serves('create') && {
        post: this.operation('create', '', {
          action: 'post',
          description: `create a ${kind}`,
          parameters: writeParameters,
          body: { types: anyBody, schema: object },
          answer: object,
          produces: produces.object,
          codes: { ...okOrCreated, ...okOrAccepted },
        }),
      }),
      ...(this.#serves('deletecollection') && {
        delete: this.operation('delete Collection', '', {
          action: 'deletecollection',
          description: `delete collection of ${kind}`,
          parameters: deleteCollectionParameters,
          body: this.#deleteOptions(),
          answer: this.components.ref('meta/v1.Status'),
          produces: produces.object,
          codes: ok,
        }),
      }),
    }
  }

  #remove(): Json {
    if (!this.#serves('delete')) return {}
    return {
      delete: this.operation('delete', '', {
        action: 'delete',
        description: `delete a ${this.resource.kind}`,
        parameters: deleteParameters,
        body: this.#deleteOptions(),
        answer: this.components.ref(this.resource.returnsDeleted ? this.#typeName : 'meta/v1.Status'),
        produces: produces.object,
        codes: okOrAccepted,
      }),
    }
  }

  #deleteOptions() {
    return { types: anyBody, schema: this.components.ref('meta/v1.DeleteOptions'), optional: true }
  }

  #watches(collection: string): Json {
    const { namespaced, plural } = this.resource
    const path = `${this.#base}/watch/${collection}`
    const watch = (action: string, what: string, parameters: readonly Json[]) => ({
      get: this.#watch(action, what),
      parameters: [...parameters, ...listParameters],
    })
    return {
      ...(namespaced && {
        [`${this.#base}/watch/${plural}`]: watch('watchlist', 'ListForAllNamespaces', [pretty]),
      }),
      [path]: watch('watchlist', 'List', [...this.#scope(), pretty]),
      [`${path}/{name}`]: watch('watch', '', this.#itemParameters()),
    }
  }

  #watch(action: string, what: string): Json {
    return this.operation('watch', what, {
      action,
      description: `watch objects of kind ${this.resource.kind}. deprecated: use the 'watch' parameter of a list`,
      answer: this.components.ref('meta/v1.WatchEvent'),
      produces: produces.list,
      codes: ok,
    })
  }
}

function kindOf(typeName: string): Json {
  const dot = typeName.lastIndexOf('.')
  const [version, group = ''] = typeName.slice(0, dot).split('/').reverse()
  return { group, kind: typeName.slice(dot + 1), version }
}
