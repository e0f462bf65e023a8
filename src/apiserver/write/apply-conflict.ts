/** The answer to an apply that wants other values for fields of others, in upstream's words. */

import { StatusError } from '../../api/machinery/status.ts'
import { type Conflict, formatPath, type Owner } from '../../api/managedfields/index.ts'

export function conflictStatus(conflicts: readonly Conflict[]): StatusError {
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: messageOf(conflicts),
    details: {
      causes: conflicts.map(({ owner, path }) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with ${described(owner)}`,
        field: formatPath(path),
      })),
    },
  })
}

function messageOf(conflicts: readonly Conflict[]): string {
  const [first] = conflicts
  if (first && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${described(first.owner)}: ${formatPath(first.path)}`
  }
  const byOwner = new Map<string, string[]>()
  for (const { owner, path } of conflicts) {
    const name = described(owner)
    byOwner.set(name, [...(byOwner.get(name) ?? []), `- ${formatPath(path)}`])
  }
  const parts = [...byOwner]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, paths]) => `conflicts with ${name}:\n${paths.join('\n')}`)
  return `Apply failed with ${conflicts.length} conflicts: ${parts.join('\n')}`
}

function described({ manager, operation, apiVersion, subresource }: Owner): string {
  const name = `${JSON.stringify(manager)}${subresource && ` with subresource ${JSON.stringify(subresource)}`}`
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}
