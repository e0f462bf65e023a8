/** Helpers for tests of declarations: an object goes the way it goes in the server, without one. */
import { definitions } from '../index.ts'
import type { FieldError } from '../machinery/field.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { ClusterSettings, RequestContext, ResourceDefinition } from '../resource.ts'

const singleStack: ClusterSettings = {
  serviceCidrs: ['10.96.0.0/12'],
  nodePortRange: { from: 30000, to: 32767 },
  clusterDomain: 'cluster.local',
}

export const dualStack: ClusterSettings = { ...singleStack, serviceCidrs: ['10.96.0.0/12', 'fd00:10:96::/112'] }

function testContext(settings: ClusterSettings = singleStack): RequestContext {
  return { now: '2026-11-21T00:00:00Z', user: 'tester', namespace: 'demo', dryRun: false, settings }
}

export function definitionOf(kind: string): ResourceDefinition {
  const found = definitions.find((definition) => definition.kind === kind)
  if (!found) throw new Error(`no kind ${kind}`)
  return found
}

interface Outcome<T> {
  readonly object: T
  /** `field: message`. */
  readonly errors: string[]
}

export function create<T extends KubeObject>(kind: string, manifest: T, settings = singleStack): Outcome<T> {
  const definition = definitionOf(kind)
  const context = testContext(settings)
  const object = structuredClone(manifest)
  definition.setDefaults?.(object, context)
  definition.prepareForCreate?.(object, context)
  return { object, errors: lines(definition.validate?.(object, context)) }
}

/** `subresource`: which endpoint the new object is written to. */
export function update<T extends KubeObject>(
  old: T,
  manifest: T,
  options: { kind: string; subresource?: 'status'; settings?: ClusterSettings },
): Outcome<T> {
  const definition = definitionOf(options.kind)
  const context = testContext(options.settings)
  const strategy = options.subresource === 'status' ? (definition.status ?? {}) : definition
  const object = structuredClone(manifest)
  definition.setDefaults?.(object, context)
  strategy.prepareForUpdate?.(object, old, context)
  return { object, errors: lines(strategy.validateUpdate?.(object, old, context)) }
}

function lines(errors: readonly FieldError[] | undefined): string[] {
  return (errors ?? []).map(({ field, message }) => `${field}: ${message}`)
}

/** The cells of a row, as `kubectl get -o wide` would show them. */
export function row(kind: string, object: KubeObject, now: Date): Record<string, unknown> {
  return Object.fromEntries(definitionOf(kind).columns.map(({ name, cell }) => [name, cell(object, now)]))
}
