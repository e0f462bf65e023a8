/** The annotation in which client-side apply keeps what it applied; kubectl's applies on the server keep it true. */
import { Path } from '../../api/machinery/field.ts'
import type { ObjectMeta } from '../../api/machinery/object.ts'
import { validateAnnotations } from '../../api/machinery/validate-meta.ts'

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

type Annotations = ObjectMeta['annotations']

/** undefined: client-side apply had no part in the object. */
export function lastAppliedOf({ annotations }: ObjectMeta): string | undefined {
  return annotations?.[lastApplied]
}

/** As client-side apply writes it, without itself; left out of annotations that it would make too large. */
export function withLastApplied(
  annotations: Annotations,
  config: { readonly metadata?: Partial<ObjectMeta> },
): Annotations {
  const { [lastApplied]: _itself, ...others } = config.metadata?.annotations ?? {}
  const metadata = { ...config.metadata, ...(config.metadata?.annotations && { annotations: others }) }
  const { [lastApplied]: _before, ...rest } = annotations ?? {}
  const updated = { ...rest, [lastApplied]: `${JSON.stringify(sorted({ ...config, metadata }))}\n` }
  return validateAnnotations(updated, Path.of('metadata', 'annotations')).length > 0 ? rest : updated
}

/** Go writes the keys of a map in their order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]))
}
