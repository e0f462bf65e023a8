/** Role and ClusterRole: rules under a name. */
import { nameColumn } from '../common/columns.ts'
import { validateLabelSelector } from '../common/selector-validation.ts'
import { isPathSegment } from '../common/validation.ts'
import type { AggregationRule, ClusterRole, PolicyRule, Role } from '../generated/rbac.authorization.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path, required } from '../machinery/field.ts'
import type { KubeObject } from '../machinery/object.ts'
import { type Column, declareResource } from '../resource.ts'

export const rbacGroup = 'rbac.authorization.k8s.io'

const createdColumn: Column<KubeObject> = {
  name: 'Created At',
  type: 'date',
  cell: (object) => object.metadata.creationTimestamp ?? null,
}

function validateRules(rules: readonly PolicyRule[] | undefined, scope: 'namespace' | 'cluster'): FieldError[] {
  return (rules ?? []).flatMap((rule, i) => validateRule(rule, scope, Path.of('rules').index(i)))
}

function validateRule(rule: PolicyRule, scope: 'namespace' | 'cluster', path: Path): FieldError[] {
  const { verbs, nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule
  const errors = verbs.length === 0 ? [required(path.child('verbs'), 'verbs must contain at least one value')] : []
  if (nonResourceURLs.length > 0) {
    const at = path.child('nonResourceURLs')
    if (scope === 'namespace') {
      errors.push(invalid(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
    }
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      const why = 'rules cannot apply to both regular resources and non-resource URLs'
      errors.push(invalid(at, nonResourceURLs, why))
    }
    return errors
  }
  if (apiGroups.length === 0) {
    errors.push(required(path.child('apiGroups'), 'resource rules must supply at least one api group'))
  }
  if (resources.length === 0) {
    errors.push(required(path.child('resources'), 'resource rules must supply at least one resource'))
  }
  return errors
}

function validateAggregation(rule: AggregationRule | undefined): FieldError[] {
  if (!rule) return []
  const path = Path.of('aggregationRule', 'clusterRoleSelectors')
  const selectors = rule.clusterRoleSelectors ?? []
  if (selectors.length === 0) {
    return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')]
  }
  return selectors.flatMap((selector, i) => {
    const errors = validateLabelSelector(selector, path.index(i))
    return errors.length > 0 ? [...errors, invalid(path.index(i), selector, 'invalid label selector.')] : []
  })
}

const validateRole = ({ rules }: Role) => validateRules(rules, 'namespace')

const validateClusterRole = ({ rules, aggregationRule }: ClusterRole) => [
  ...validateRules(rules, 'cluster'),
  ...validateAggregation(aggregationRule),
]

export const roleDefinition = declareResource<Role>({
  group: rbacGroup,
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  namespaced: true,
  validateName: isPathSegment,
  validate: validateRole,
  validateUpdate: validateRole,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  columns: [nameColumn, createdColumn],
})

export const clusterRoleDefinition = declareResource<ClusterRole>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  validateName: isPathSegment,
  validate: validateClusterRole,
  validateUpdate: validateClusterRole,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  columns: [nameColumn, createdColumn],
})
