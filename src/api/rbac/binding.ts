/** RoleBinding and ClusterRoleBinding: a role given to users, groups and service accounts. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { check, checkSubdomain, isPathSegment } from '../common/validation.ts'
import type { ClusterRoleBinding, RoleBinding, RoleRef, Subject } from '../generated/rbac.authorization.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, notSupported, Path, required } from '../machinery/field.ts'
import { type Column, declareResource } from '../resource.ts'
import { rbacGroup } from './role.ts'

type Binding = RoleBinding | ClusterRoleBinding

function setDefaults({ roleRef, subjects = [] }: Binding): void {
  // Clients may leave it out, whatever the type says.
  if (roleRef) roleRef.apiGroup ||= rbacGroup
  for (const subject of subjects) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup
  }
}

function validateRoleRef({ apiGroup = '', kind, name }: RoleRef, kinds: readonly string[]): FieldError[] {
  const path = Path.of('roleRef')
  return [
    ...(apiGroup === rbacGroup ? [] : [notSupported(path.child('apiGroup'), apiGroup, [rbacGroup])]),
    ...(kinds.includes(kind) ? [] : [notSupported(path.child('kind'), kind, kinds)]),
    ...(name ? check(path.child('name'), name, isPathSegment(name)) : [required(path.child('name'))]),
  ]
}

function validateSubject(subject: Subject, scope: 'namespace' | 'cluster', path: Path): FieldError[] {
  const { kind, name, namespace, apiGroup = '' } = subject
  const errors = name ? [] : [required(path.child('name'))]
  switch (kind) {
    case 'ServiceAccount':
      if (name) errors.push(...checkSubdomain(path.child('name'), name))
      if (apiGroup) errors.push(notSupported(path.child('apiGroup'), apiGroup, ['']))
      if (scope === 'cluster' && !namespace) errors.push(required(path.child('namespace')))
      return errors
    case 'User':
    case 'Group':
      if (apiGroup !== rbacGroup) errors.push(notSupported(path.child('apiGroup'), apiGroup, [rbacGroup]))
      return errors
    default:
      return [...errors, notSupported(path.child('kind'), kind, ['ServiceAccount', 'User', 'Group'])]
  }
}

function validation(scope: 'namespace' | 'cluster') {
  const kinds = scope === 'cluster' ? ['ClusterRole'] : ['ClusterRole', 'Role']
  const validate = ({ roleRef, subjects = [] }: Binding): FieldError[] => [
    ...validateRoleRef(roleRef, kinds),
    ...subjects.flatMap((subject, i) => validateSubject(subject, scope, Path.of('subjects').index(i))),
  ]
  const validateUpdate = (next: Binding, old: Binding): FieldError[] => [
    ...validate(next),
    ...(sameRole(next.roleRef, old.roleRef)
      ? []
      : [invalid(Path.of('roleRef'), internalForm(next.roleRef), 'cannot change roleRef')]),
  ]
  return { validate, validateUpdate }
}

function sameRole(a: RoleRef, b: RoleRef): boolean {
  return a.apiGroup === b.apiGroup && a.kind === b.kind && a.name === b.name
}

/** As upstream's internal type is written in messages. */
function internalForm({ apiGroup = '', kind, name }: RoleRef) {
  return { APIGroup: apiGroup, Kind: kind, Name: name }
}

function named(kind: string): (binding: Binding) => string {
  return ({ subjects = [] }) =>
    subjects
      .filter((subject) => subject.kind === kind)
      .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
      .join(', ')
}

const columns: Column<Binding>[] = [
  nameColumn,
  { name: 'Role', type: 'string', cell: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
  ageColumn,
  { name: 'Users', type: 'string', priority: 1, cell: named('User') },
  { name: 'Groups', type: 'string', priority: 1, cell: named('Group') },
  { name: 'ServiceAccounts', type: 'string', priority: 1, cell: named('ServiceAccount') },
]

export const roleBindingDefinition = declareResource<RoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  namespaced: true,
  setDefaults,
  validateName: isPathSegment,
  ...validation('namespace'),
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  columns,
})

export const clusterRoleBindingDefinition = declareResource<ClusterRoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  namespaced: false,
  setDefaults,
  validateName: isPathSegment,
  ...validation('cluster'),
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  columns,
})
