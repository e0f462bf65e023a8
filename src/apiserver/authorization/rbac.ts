/**
 * RBAC: what bindings grant to a user. Bindings are indexed by subject; what was found for a user is remembered until
 * some role or binding changes, so that a request costs one look-up.
 */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
} from '../../api/generated/rbac.authorization.k8s.io.v1.ts'
import { resources } from '../../client/resources.ts'
import type { ServerObjects } from '../cache/objects.ts'
import type { UserInfo } from '../handler.ts'
import type { Attributes } from './attributes.ts'
import { ruleAllows } from './rules.ts'
import { describeSubject, keysOfUser, subjectKey } from './subjects.ts'

/** The rules of a role that somebody has, and by what. */
export interface Grant {
  readonly rules: readonly PolicyRule[]
  /** `ClusterRoleBinding "x" of ClusterRole "y" to User "z"` */
  readonly source: string
}

export interface Granted {
  readonly grants: readonly Grant[]
  /** Roles that bindings name and nobody made. */
  readonly errors: readonly string[]
}

export interface RbacDecision {
  readonly allowed: boolean
  readonly reason: string
}

interface BoundRole {
  readonly roleRef: RoleRef
  /** Of the binding; '' for the whole cluster. */
  readonly namespace: string
  readonly source: string
}

/** What is remembered of a user. */
interface UserPolicy {
  readonly generation: number
  readonly byNamespace: Map<string, Granted>
  /** Decisions that no object's name has part in. */
  readonly decisions: Map<string, RbacDecision>
}

const watched = [resources.roles, resources.clusterRoles, resources.roleBindings, resources.clusterRoleBindings]
const decisionsMax = 1000

export class Rbac {
  readonly #objects: ServerObjects
  readonly #bootstrap: () => Promise<void>
  #loading: Promise<void> | undefined
  #loaded = false
  /** Counts changes of roles and bindings. */
  #generation = 0
  /** Bindings by namespace ('' for those of the cluster) and subject; undefined after a change. */
  #index: Map<string, Map<string, BoundRole[]>> | undefined
  readonly #users = new WeakMap<UserInfo, UserPolicy>()

  constructor(objects: ServerObjects, bootstrap: () => Promise<void>) {
    this.#objects = objects
    this.#bootstrap = bootstrap
  }

  /** False: wait for `load` first. */
  get loaded(): boolean {
    return this.#loaded
  }

  load(): Promise<void> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  async #load(): Promise<void> {
    try {
      await this.#bootstrap()
      const caches = await Promise.all(watched.map((resource) => this.#objects.cache(resource)))
      const dropped = () => {
        this.#loaded = false
        this.#loading = undefined
        this.#changed()
      }
      for (const cache of caches) cache.subscribe(() => this.#changed(), dropped)
      this.#changed()
      this.#loaded = true
    } catch (error) {
      this.#loading = undefined
      throw error
    }
  }

  #changed(): void {
    this.#generation += 1
    this.#index = undefined
  }

  authorize(attributes: Attributes): RbacDecision {
    const policy = this.#policyOf(attributes.user)
    const key = decisionKey(attributes)
    const known = policy.decisions.get(key)
    if (known) return known
    const namespace = attributes.type === 'resource' ? attributes.namespace : ''
    const granted = this.#grantedIn(policy, attributes.user, namespace)
    const decision = decide(granted, attributes, (rule) => !hasNames(rule))
    // What depends on an object's name is not worth remembering.
    if (!decision.allowed && granted.grants.some(({ rules }) => rules.some(hasNames))) {
      return decide(granted, attributes, hasNames)
    }
    if (policy.decisions.size >= decisionsMax) policy.decisions.clear()
    policy.decisions.set(key, decision)
    return decision
  }

  /** All grants that count in a namespace; '' for those of the whole cluster alone. */
  grantsTo(user: UserInfo, namespace: string): Granted {
    return this.#grantedIn(this.#policyOf(user), user, namespace)
  }

  /** undefined: there is no such role. */
  rulesOf({ kind, name }: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    const role: Role | ClusterRole | undefined =
      kind === 'Role'
        ? this.#objects.peek(resources.roles, { namespace, name })
        : this.#objects.peek(resources.clusterRoles, { name })
    return role && (role.rules ?? [])
  }

  #policyOf(user: UserInfo): UserPolicy {
    const known = this.#users.get(user)
    if (known?.generation === this.#generation) return known
    const policy = { generation: this.#generation, byNamespace: new Map(), decisions: new Map() }
    this.#users.set(user, policy)
    return policy
  }

  #grantedIn(policy: UserPolicy, user: UserInfo, namespace: string): Granted {
    let granted = policy.byNamespace.get(namespace)
    if (!granted) {
      granted = this.#resolve(user, namespace)
      if (policy.byNamespace.size >= decisionsMax) policy.byNamespace.clear()
      policy.byNamespace.set(namespace, granted)
    }
    return granted
  }

  #resolve(user: UserInfo, namespace: string): Granted {
    const keys = keysOfUser(user)
    const scopes = namespace ? ['', namespace] : ['']
    const bound = scopes.flatMap((scope) => {
      const bySubject = this.#bindings().get(scope)
      return bySubject ? keys.flatMap((key) => bySubject.get(key) ?? []) : []
    })
    const grants: Grant[] = []
    const errors: string[] = []
    for (const { roleRef, namespace: own, source } of bound) {
      const rules = this.rulesOf(roleRef, own)
      if (rules) grants.push({ rules, source })
      else
        errors.push(`${roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(roleRef.name)} not found`)
    }
    return { grants, errors }
  }

  #bindings(): Map<string, Map<string, BoundRole[]>> {
    this.#index ??= this.#buildIndex()
    return this.#index
  }

  #buildIndex(): Map<string, Map<string, BoundRole[]>> {
    const index = new Map<string, Map<string, BoundRole[]>>()
    for (const resource of [resources.clusterRoleBindings, resources.roleBindings]) {
      for (const entry of this.#objects.loadedCache(resource)?.list('') ?? []) {
        addBinding(index, entry.object as ClusterRoleBinding | RoleBinding)
      }
    }
    return index
  }
}

function addBinding(index: Map<string, Map<string, BoundRole[]>>, binding: ClusterRoleBinding | RoleBinding): void {
  const { namespace = '', name } = binding.metadata
  const { roleRef, subjects = [] } = binding
  const bySubject = index.get(namespace) ?? new Map<string, BoundRole[]>()
  index.set(namespace, bySubject)
  const own = namespace
    ? `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}`
    : `ClusterRoleBinding ${JSON.stringify(name)}`
  for (const subject of subjects) {
    const key = subjectKey(subject, namespace)
    const source = `${own} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${describeSubject(subject, namespace)}`
    const bound = bySubject.get(key) ?? []
    bound.push({ roleRef, namespace, source })
    bySubject.set(key, bound)
  }
}

function decide(
  { grants, errors }: Granted,
  attributes: Attributes,
  counts: (rule: PolicyRule) => boolean,
): RbacDecision {
  const grant = grants.find(({ rules }) => rules.some((rule) => counts(rule) && ruleAllows(rule, attributes)))
  if (grant) return { allowed: true, reason: `RBAC: allowed by ${grant.source}` }
  const [first, ...more] = errors
  const why = first && (more.length > 0 ? `[${errors.join(', ')}]` : first)
  return { allowed: false, reason: why ? `RBAC: ${why}` : '' }
}

function hasNames({ resourceNames = [] }: PolicyRule): boolean {
  return resourceNames.length > 0
}

function decisionKey(attributes: Attributes): string {
  if (attributes.type === 'path') return `${attributes.verb} ${attributes.path}`
  const { verb, group, resource, subresource, namespace } = attributes
  return `${verb} ${group}/${resource}/${subresource} ${namespace}`
}
