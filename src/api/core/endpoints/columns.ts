/** `kubectl get endpoints`. */
import { ageColumn, nameColumn, none } from '../../common/columns.ts'
import type { Endpoints } from '../../generated/v1.ts'
import type { Column } from '../../resource.ts'

const shownMax = 3

/** The first `shownMax`, and how many more there are. */
export function firstFew(texts: readonly string[]): string {
  const shown = texts.slice(0, shownMax).join(',')
  return texts.length > shownMax ? `${shown} + ${texts.length - shownMax} more...` : shown
}

function endpointsText(endpoints: Endpoints): string {
  if (!endpoints.subsets?.length) return none
  return firstFew(
    endpoints.subsets.flatMap(({ ports = [], addresses = [] }) =>
      ports.length === 0
        ? addresses.map(({ ip }) => ip)
        : ports.flatMap(({ port }) => addresses.map(({ ip }) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`)),
    ),
  )
}

export const endpointsColumns: readonly Column<Endpoints>[] = [
  nameColumn,
  { name: 'Endpoints', type: 'string', cell: endpointsText },
  ageColumn,
]
