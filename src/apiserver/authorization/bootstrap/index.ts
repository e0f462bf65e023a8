/**
 * The roles and bindings that a cluster has from its start. What is missing is written in one transaction; what is
 * there gets back the rules and subjects it has lost, unless somebody said that it is theirs now (the annotation
 * `rbac.authorization.kubernetes.io/autoupdate`, upstream's reconciliation).
 */
import { randomUUID } from 'node:crypto'
import type { ClusterRole, ClusterRoleBinding } from '../../../api/generated/rbac.authorization.k8s.io.v1.ts'
import type { KubeObject } from '../../../api/machinery/object.ts'
import { formatTime } from '../../../api/machinery/time.ts'
import { aggregatedRules } from '../../../api/rbac/aggregation.ts'
import type { Resource } from '../../../client/contract.ts'
import { resources } from '../../../client/resources.ts'
import type { Comparison, Operation } from '../../../store/contract.ts'
import { encodeStored } from '../../cache/entry.ts'
import type { ServerContext } from '../../context.ts'
import { type ServedResource, storeKey } from '../../registry.ts'
import { controllerRoles, controllerSubjects } from './controller-roles.ts'
import { restoreBinding, restoreRole } from './restore.ts'
import { systemRoles, systemSubjects } from './system-roles.ts'
import { userRoles } from './user-roles.ts'

const rbacGroup = 'rbac.authorization.k8s.io'
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' }

export function bootstrapRoles(): ClusterRole[] {
  const roles: ClusterRole[] = [...userRoles, ...systemRoles, ...controllerRoles].map((role) => ({
    ...role,
    metadata: { ...role.metadata, labels: { ...labels, ...role.metadata.labels }, annotations },
  }))
  // As their controller would have it: view is part of edit, which is part of admin.
  for (const name of ['view', 'edit', 'admin']) {
    const role = roles.find(({ metadata }) => metadata.name === name)
    if (role) role.rules = aggregatedRules(role, roles)
  }
  return roles
}

export function bootstrapBindings(): ClusterRoleBinding[] {
  return Object.entries({ ...systemSubjects, ...controllerSubjects }).map(([name, subjects]) => ({
    metadata: { name, labels, annotations },
    roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name },
    ...(subjects.length > 0 && {
      subjects: subjects.map((subject) =>
        subject.kind === 'ServiceAccount' ? subject : { ...subject, apiGroup: rbacGroup },
      ),
    }),
  }))
}

/** Makes everything be there. Others may write meanwhile: then it looks again. */
export async function bootstrapPolicy(context: ServerContext): Promise<void> {
  for (;;) {
    const writes = [
      ...(await missing(context, resources.clusterRoles, bootstrapRoles(), restoreRole)),
      ...(await missing(context, resources.clusterRoleBindings, bootstrapBindings(), restoreBinding)),
    ]
    if (writes.length === 0) return
    const compare = writes.map(({ comparison }) => comparison)
    const result = await context.store.commit({ compare, operations: writes.map(({ operation }) => operation) })
    await context.feed.reached(result.revision)
    if (result.succeeded) return
  }
}

interface Write {
  readonly comparison: Comparison
  readonly operation: Operation
}

/** `restore` is what an object is to become, or undefined where it may stay. */
async function missing<T extends KubeObject>(
  context: ServerContext,
  resource: Resource<T>,
  wanted: readonly T[],
  restore: (found: T, wanted: T) => T | undefined,
): Promise<Write[]> {
  const served = context.registry.served(resource)
  const cache = await context.feed.cache(served)
  return wanted.flatMap((object) => {
    const entry = cache.get('', object.metadata.name)
    const next = entry ? restore(entry.object as T, object) : stamped(context, object)
    return next ? [put(served, next, entry?.revision ?? 0)] : []
  })
}

function stamped<T extends KubeObject>({ clock }: ServerContext, object: T): T {
  const metadata = { ...object.metadata, uid: randomUUID(), creationTimestamp: formatTime(clock.now()) }
  return { ...object, metadata }
}

function put(served: ServedResource, object: KubeObject, modRevision: number): Write {
  const key = storeKey(served, '', object.metadata.name)
  return {
    comparison: { key, modRevision },
    operation: { type: 'put', key, value: encodeStored(served, object) },
  }
}
