/** A pod's quality-of-service class, from its requests and limits of CPU and memory. Pure. */
import type { Pod } from '../../api/generated/v1.ts'
import { quantity } from './fields.ts'

const resources = ['cpu', 'memory'] as const

export function qosClass({ spec }: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  const amounts = containers.flatMap(({ resources: asked }) =>
    resources.map((name) => ({
      limit: quantity(asked?.limits?.[name] ?? '0'),
      // An absent request is the limit.
      request: quantity(asked?.requests?.[name] ?? asked?.limits?.[name] ?? '0'),
    })),
  )
  if (amounts.every(({ limit, request }) => limit === 0 && request === 0)) return 'BestEffort'
  return amounts.every(({ limit, request }) => limit > 0 && limit === request) ? 'Guaranteed' : 'Burstable'
}
