/**
 * Admission: what a write must also pass, or is changed by, that depends on other objects or on who asks. A plugin
 * names the resources it looks at, so that a write of any other pays nothing.
 *
 *   create   decode, default ─▶ mutate ─▶ prepare ─▶ validate the object ─▶ validate ─▶ commit
 *   update   change          ─▶ mutate ─▶ prepare ─▶ validate the object ─▶ validate ─▶ commit
 *   delete                                                                 validate ─▶ commit
 */

import type { ResourceDefinition } from '../../api/resource.ts'
import { rbacEscalation } from '../authorization/escalation.ts'
import type { ServerContext } from '../context.ts'
import { persistentVolumeClaimResize } from './claim-resize.ts'
import { defaultIngressClass, defaultStorageClass } from './default-classes.ts'
import { limitRanger } from './limit-ranger.ts'
import { nodeRestriction } from './noderestriction.ts'
import { podTopologyLabels, taintNodesByCondition } from './nodes.ts'
import type { AdmissionAttributes, AdmissionHook, AdmissionPlugin } from './plugin.ts'
import { priority } from './priority.ts'
import { resourceQuota } from './quota/index.ts'
import { runtimeClass } from './runtimeclass.ts'
import { serviceAccount } from './serviceaccount.ts'
import { storageObjectInUseProtection } from './storage-protection.ts'

/** In upstream's order. */
const plugins: readonly AdmissionPlugin[] = [
  nodeRestriction,
  limitRanger,
  serviceAccount,
  taintNodesByCondition,
  priority,
  defaultStorageClass,
  storageObjectInUseProtection,
  persistentVolumeClaimResize,
  runtimeClass,
  defaultIngressClass,
  podTopologyLabels,
  rbacEscalation,
  resourceQuota,
]

interface Hooks {
  readonly mutate: readonly AdmissionHook[]
  readonly validate: readonly AdmissionHook[]
}

interface AdmissionOptions {
  readonly disabled?: readonly string[]
  readonly definitions: readonly ResourceDefinition[]
}

const none: Hooks = { mutate: [], validate: [] }

export class Admission {
  readonly #byResource = new Map<string, Hooks>()

  /** `disabled` as kube-apiserver's --disable-admission-plugins; `definitions` are all that is served. */
  constructor({ disabled = [], definitions }: AdmissionOptions) {
    const enabled = plugins.filter(({ name }) => !disabled.includes(name))
    for (const { group, plural, namespaced } of definitions) {
      const resource = group ? `${plural}.${group}` : plural
      const own = enabled.filter(({ resources }) =>
        resources === 'namespaced' ? namespaced : resources.includes(resource),
      )
      if (own.length === 0) continue
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
