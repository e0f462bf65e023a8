/**
 * Nobody grants what they do not have: who writes a role or a binding must hold all of its rules, or have been given
 * `escalate` or `bind` (upstream's policy-based RBAC storage).
 */
import { sameValue } from '../../api/common/strategy.ts'
import type {
  ClusterRole,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
} from '../../api/generated/rbac.authorization.k8s.io.v1.ts'
import { quotedList } from '../../api/machinery/go-types.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { notFoundError } from '../../api/machinery/status.ts'
import { type AdmissionAttributes, type AdmissionPlugin, refused } from '../admission/plugin.ts'
import type { ServerContext } from '../context.ts'
import { isPrivileged } from './authorizer.ts'
import { rulesNotCovered, ruleText } from './coverage.ts'

const rbacGroup = 'rbac.authorization.k8s.io'
const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

export const rbacEscalation: AdmissionPlugin = {
  name: 'RBACEscalation',
  resources: [
    `roles.${rbacGroup}`,
    `clusterroles.${rbacGroup}`,
    `rolebindings.${rbacGroup}`,
    `clusterrolebindings.${rbacGroup}`,
  ],
  validate(context, attributes) {
    const { operation, request, object, old } = attributes
    if (operation === 'DELETE' || isPrivileged(request.user)) return
    if (old && onlyOwnershipChanges(object, old)) return
    return request.resource.definition.kind.endsWith('Binding')
      ? checkBinding(context, attributes)
      : checkRole(context, attributes)
  },
}

/** Garbage collection takes owners and finalizers away, and grants nothing by it. */
function onlyOwnershipChanges(next: KubeObject, old: KubeObject): boolean {
  const rest = ({ metadata, ...object }: KubeObject) => {
    const { ownerReferences: _, finalizers: __, managedFields: ___, resourceVersion: ____, ...kept } = metadata
    return { ...object, metadata: kept }
  }
  return sameValue(rest(next), rest(old))
}

async function checkRole(context: ServerContext, attributes: AdmissionAttributes): Promise<void> {
  const { request, object, old } = attributes
  const { resource, namespace, name } = request
  if (await may(context, attributes, { verb: 'escalate', resource: resource.definition.plural, namespace, name }))
    return
  const role: Role & ClusterRole = object
  const before: ClusterRole | undefined = old
  if (role.aggregationRule ?? before?.aggregationRule) {
    const { lacking } = await whatIsLacking(context, attributes, everything)
    if (lacking.length > 0) throw refused(attributes, 'must have cluster-admin privileges to use an aggregationRule')
  }
  await requireHeld(context, attributes, role.rules ?? [])
}

async function checkBinding(context: ServerContext, attributes: AdmissionAttributes): Promise<void> {
  const { namespace } = attributes.request
  const { roleRef }: RoleBinding = { ...attributes.object, roleRef: roleRefOf(attributes.object) }
  const resource = roleRef.kind === 'Role' ? 'roles' : 'clusterroles'
  if (await may(context, attributes, { verb: 'bind', resource, namespace, name: roleRef.name })) return
  const rules = context.authorizer.rbac.rulesOf(roleRef, namespace)
  if (!rules) throw notFoundError({ group: rbacGroup, resource }, roleRef.name)
  await requireHeld(context, attributes, rules)
}

function roleRefOf(object: KubeObject & { roleRef?: RoleRef }): RoleRef {
  return object.roleRef ?? { kind: '', name: '' }
}

async function may(
  { authorizer }: ServerContext,
  { request: { user } }: AdmissionAttributes,
  asked: { verb: string; resource: string; namespace: string; name: string },
): Promise<boolean> {
  const of = { type: 'resource', group: rbacGroup, version: '*', subresource: '', selected: [] } as const
  return (await authorizer.authorize({ ...of, user, ...asked })).allowed
}

async function whatIsLacking(
  { authorizer: { rbac } }: ServerContext,
  { request: { user, namespace } }: AdmissionAttributes,
  rules: readonly PolicyRule[],
) {
  await rbac.load()
  const { grants, errors } = rbac.grantsTo(user, namespace)
  const held = grants.flatMap((grant) => grant.rules)
  return { lacking: rulesNotCovered(held, rules), errors }
}

async function requireHeld(
  context: ServerContext,
  attributes: AdmissionAttributes,
  rules: readonly PolicyRule[],
): Promise<void> {
  const { lacking, errors } = await whatIsLacking(context, attributes, rules)
  if (lacking.length === 0) return
  const { name, groups } = attributes.request.user
  const who = `user ${JSON.stringify(name)} (groups=${quotedList(groups)})`
  const list = [...new Set(lacking.map(ruleText))].sort().join('\n')
  const problems = errors.length > 0 ? `; resolution errors: [${errors.join(', ')}]` : ''
  throw refused(attributes, `${who} is attempting to grant RBAC permissions not currently held:\n${list}${problems}`)
}
