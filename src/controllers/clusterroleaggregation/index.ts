/** clusterrole-aggregation-controller: a ClusterRole with an aggregationRule has the rules of the roles it selects. */
import { sameValue } from '../../api/common/strategy.ts'
import { aggregatedRules } from '../../api/rbac/aggregation.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'

export function startClusterRoleAggregationController(ctx: ControllerContext): void {
  const roles = ctx.informers.of(resources.clusterRoles)
  const queue = startQueue(ctx, {
    name: 'clusterrole-aggregation',
    after: [roles],
    reconcile: async (name) => {
      const role = roles.get(name)
      if (!role?.aggregationRule) return
      const rules = aggregatedRules(role, roles.list())
      if (!sameValue(rules, role.rules))
        await tolerateGone(ctx.client.update(resources.clusterRoles, { ...role, rules }))
    },
  })
  // Any role may be part of any other.
  roles.onChange(() => {
    for (const role of roles.list()) if (role.aggregationRule) queue.add(role.metadata.name)
  })
}
