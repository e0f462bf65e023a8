/** Whether somebody may do something: privileged users may, nodes what their pods need, others what RBAC grants. */
import type { ServerObjects } from '../cache/objects.ts'
import type { UserInfo } from '../handler.ts'
import type { Attributes } from './attributes.ts'
import { authorizeNode, nodeNameOf } from './node.ts'
import { Rbac } from './rbac.ts'

export interface Decision {
  readonly allowed: boolean
  /** What allowed it, or why nothing did; often ''. */
  readonly reason: string
}

const privilegedGroup = 'system:masters'
const privileged: Decision = { allowed: true, reason: '' }

export function isPrivileged({ groups }: UserInfo): boolean {
  return groups.includes(privilegedGroup)
}

export class Authorizer {
  readonly #objects: ServerObjects
  readonly rbac: Rbac

  /** `bootstrap` makes the roles and bindings that a cluster starts with; nothing is decided before. */
  constructor({ objects, bootstrap }: { objects: ServerObjects; bootstrap: () => Promise<void> }) {
    this.#objects = objects
    this.rbac = new Rbac(objects, bootstrap)
  }

  /** At once where everything that counts is in memory. */
  authorize(attributes: Attributes): Decision | Promise<Decision> {
    if (isPrivileged(attributes.user)) return privileged
    const node = nodeNameOf(attributes.user)
    if (node !== undefined) return this.#authorizeNode(node, attributes)
    return this.rbac.loaded ? this.rbac.authorize(attributes) : this.#authorizeLoaded(attributes)
  }

  async #authorizeLoaded(attributes: Attributes): Promise<Decision> {
    await this.rbac.load()
    return this.rbac.authorize(attributes)
  }

  async #authorizeNode(node: string, attributes: Attributes): Promise<Decision> {
    const own = await authorizeNode(this.#objects, node, attributes)
    if (own.allowed) return own
    const others = await this.#authorizeLoaded(attributes)
    if (others.allowed) return others
    return { allowed: false, reason: [own.reason, others.reason].filter(Boolean).join('\n') }
  }
}
