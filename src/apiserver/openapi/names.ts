/** Names of operations and tags: `coreV1`, `rbacAuthorizationV1`. */

export interface GroupVersion {
  /** '' is the core group. */
  readonly group: string
  readonly version: string
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** `core`, `apps`, `rbacAuthorization`: a group as operation ids and tags name it. */
export function groupName(group: string): string {
  const [first = '', ...rest] = (group || 'core').replace(/\.k8s\.io$/, '').split('.')
  return first + rest.map(capital).join('')
}

export function groupVersionPath({ group, version }: GroupVersion): string {
  return group ? `apis/${group}/${version}` : `api/${version}`
}

export function typeNameOf({ group, version, kind }: GroupVersion & { readonly kind: string }): string {
  return `${group ? `${group}/${version}` : version}.${kind}`
}
