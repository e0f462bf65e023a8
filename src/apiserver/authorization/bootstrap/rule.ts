/** Rules in one line each. */
import type { PolicyRule } from '../../../api/generated/rbac.authorization.k8s.io.v1.ts'

const words = (text: string) => text.split(' ').sort()

/** Verbs and resources are separated by spaces, groups by commas ('' is the core group). */
export function rule(verbs: string, groups: string, resources: string, ...resourceNames: string[]): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: groups.split(','),
    resources: words(resources),
    ...(resourceNames.length > 0 && { resourceNames }),
  }
}

export function urlRule(urls: string): PolicyRule {
  return { verbs: ['get'], nonResourceURLs: words(urls) }
}

export const read = 'get list watch'
export const write = 'create delete deletecollection patch update'

/** Events are recorded in either group. */
export const recordEvents = rule('create patch update', ',events.k8s.io', 'events')
