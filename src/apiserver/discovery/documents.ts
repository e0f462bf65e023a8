/** What is served, as discovery documents (metav1.APIVersions, APIGroupList, APIResourceList). Pure. */

import { allVerbs, type Registry, type ServedGroupVersion, type ServedResource } from '../registry.ts'
import { subresources } from './subresources.ts'

export function apiVersions(serverAddress: string) {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  }
}

export function apiGroupList(registry: Registry) {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupNames(registry).map((name) => group(registry, name)) }
}

/** undefined: no such group. */
export function apiGroup(registry: Registry, name: string) {
  if (!groupNames(registry).includes(name)) return undefined
  return { kind: 'APIGroup', apiVersion: 'v1', ...group(registry, name) }
}

function groupNames(registry: Registry): string[] {
  return [...new Set(registry.groupVersions.map((gv) => gv.group))].filter((name) => name !== '')
}

function group(registry: Registry, name: string) {
  const versions = registry.groupVersions
    .filter((gv) => gv.group === name)
    .map(({ version }) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions, preferredVersion: versions[0] }
}

export function apiResourceList({ group: name, version, resources }: ServedGroupVersion) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: name ? `${name}/${version}` : version,
    resources: resources.flatMap(resourceEntries).sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/** metav1.APIResource; subresources are entries of their own, named `pods/log`. */
export interface ApiResource {
  readonly name: string
  readonly singularName: string
  readonly namespaced: boolean
  readonly group?: string
  readonly version?: string
  readonly kind: string
  readonly verbs: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
}

function resourceEntries({ definition }: ServedResource): ApiResource[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = definition
  const sub = (name: string, more: Pick<ApiResource, 'kind' | 'verbs'> & Partial<ApiResource>): ApiResource => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    ...more,
  })
  const main: ApiResource = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: [...(verbs ?? allVerbs)].sort(),
    ...(shortNames && { shortNames }),
    ...(categories && { categories }),
  }
  const written = ['get', 'patch', 'update']
  return [
    main,
    ...(definition.status ? [sub('status', { kind, verbs: written })] : []),
    ...(definition.scale ? [sub('scale', { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: written })] : []),
    ...(subresources[`${definition.group}/${plural}`] ?? []).map(({ name, ...more }) => sub(name, more)),
    ...(definition.kind === 'Pod' ? [bindings] : []),
  ]
}

/** A pod is also bound by a Binding that names it, posted to a collection of its own. */
const bindings: ApiResource = {
  name: 'bindings',
  singularName: 'binding',
  namespaced: true,
  kind: 'Binding',
  verbs: ['create'],
}
