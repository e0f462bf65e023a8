/**
 * Admission: what a write must also pass, or is changed by, that depends on other objects or on who asks. A plugin
 * names the resources it looks at, so that a write of any other pays nothing.
 *
 *   create   decode, default ─▶ mutate ─▶ prepare ─▶ validate the object ─▶ validate ─▶ commit
 *   update   change          ─▶ mutate ─▶ prepare ─▶ validate the object ─▶ validate ─▶ commit
 *   delete                                                                 validate ─▶ commit
 */
import { rbacEscalation } from '../authorization/escalation.ts'
import type { ServerContext } from '../context.ts'
import { defaultIngressClass, defaultStorageClass } from './default-classes.ts'
import { nodeRestriction } from './noderestriction.ts'
import type { AdmissionAttributes, AdmissionHook, AdmissionPlugin } from './plugin.ts'
import { priority } from './priority.ts'
import { runtimeClass } from './runtimeclass.ts'
import { serviceAccount } from './serviceaccount.ts'
import { storageObjectInUseProtection } from './storage-protection.ts'

/** In upstream's order. */
const plugins: readonly AdmissionPlugin[] = [
  nodeRestriction,
  serviceAccount,
  priority,
  defaultStorageClass,
  storageObjectInUseProtection,
  runtimeClass,
  defaultIngressClass,
  rbacEscalation,
]

interface Hooks {
  readonly mutate: readonly AdmissionHook[]
  readonly validate: readonly AdmissionHook[]
}

const none: Hooks = { mutate: [], validate: [] }

export class Admission {
  readonly #byResource = new Map<string, Hooks>()

  /** `disabled` as kube-apiserver's --disable-admission-plugins. */
  constructor({ disabled = [] }: { readonly disabled?: readonly string[] } = {}) {
    const enabled = plugins.filter(({ name }) => !disabled.includes(name))
    for (const resource of new Set(enabled.flatMap(({ resources }) => resources))) {
      const own = enabled.filter(({ resources }) => resources.includes(resource))
      this.#byResource.set(resource, {
        mutate: own.flatMap(({ mutate = [] }) => mutate),
        validate: own.flatMap(({ validate = [] }) => validate),
      })
    }
  }

  /** Runs the plugins of one phase, in order. undefined: there are none for this resource. */
  run(phase: keyof Hooks, context: ServerContext, attributes: AdmissionAttributes): Promise<void> | undefined {
    const { group, resource } = attributes.request.resource.groupResource
    const hooks = (this.#byResource.get(group ? `${resource}.${group}` : resource) ?? none)[phase]
    return hooks.length > 0 ? runAll(hooks, context, attributes) : undefined
  }
}

async function runAll(
  hooks: readonly AdmissionHook[],
  context: ServerContext,
  attributes: AdmissionAttributes,
): Promise<void> {
  for (const hook of hooks) await hook(context, attributes)
}
