/**
 * The group rbac.authorization.k8s.io, v1: who may do what. Roles hold rules, bindings give them to subjects. What
 * follows from them for a request is the API server's affair. Knows nothing of other groups, of the store or of the
 * server.
 */
import type { ResourceDefinition } from '../resource.ts'
import { clusterRoleBindingDefinition, roleBindingDefinition } from './binding.ts'
import { clusterRoleDefinition, roleDefinition } from './role.ts'

export const rbacDefinitions: readonly ResourceDefinition[] = [
  roleDefinition,
  clusterRoleDefinition,
  roleBindingDefinition,
  clusterRoleBindingDefinition,
]
