/** Columns and cells that several kinds share, as kubectl 1.36 shows them. */

import type { LabelSelector } from '../generated/meta.v1.ts'
import type { Container } from '../generated/v1.ts'
import type { KubeObject } from '../machinery/object.ts'
import { formatLabelSelector } from '../machinery/selectors.ts'
import { age } from '../machinery/time.ts'
import type { Column } from '../resource.ts'

export const none = '<none>'

export const nameColumn: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  cell: (object) => object.metadata.name,
}

export const ageColumn: Column<KubeObject> = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  cell: (object, now) => age(object.metadata.creationTimestamp, now),
}

/** Labels in key order: `app=web,env=prod`. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(labels ?? {})
  if (entries.length === 0) return none
  return entries
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',')
}

/** A selector in the syntax of `kubectl -l`; empty when it selects everything or cannot be said. */
export function selectorText(selector: LabelSelector | undefined): string {
  const text = formatLabelSelector(selector)
  return text === none || text === '<error>' ? '' : text
}

/** Containers, Images and Selector, the wide columns of every workload. */
export function workloadColumns<T extends KubeObject>(
  containers: (object: T) => readonly Container[],
  selector: (object: T) => LabelSelector | undefined,
): Column<T>[] {
  return [
    { name: 'Containers', type: 'string', priority: 1, cell: (o) => joined(containers(o), (c) => c.name) },
    { name: 'Images', type: 'string', priority: 1, cell: (o) => joined(containers(o), (c) => c.image ?? '') },
    { name: 'Selector', type: 'string', priority: 1, cell: (o) => formatLabelSelector(selector(o)) },
  ]
}

function joined(containers: readonly Container[], part: (container: Container) => string): string {
  return containers.map(part).join(',')
}
