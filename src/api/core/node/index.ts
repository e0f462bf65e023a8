/** Node: a machine (or a namespace that acts as one) that runs pods. */

import { parseCidr } from '../../../lib/ip.ts'
import { keepSpec, keepStatus, sameValue } from '../../common/strategy.ts'
import { checkCidr } from '../../common/validation.ts'
import type { Node } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { duplicate, forbidden, invalid, Path } from '../../machinery/field.ts'
import { declareResource } from '../../resource.ts'
import { checkQuantity } from '../pod/resources-validation.ts'
import { validateTaints } from '../pod/tolerations-validation.ts'
import { nodeColumns } from './columns.ts'

const path = Path.of('spec')

/** `podCIDR` is the first of `podCIDRs`; what a node can allocate is what it has unless it says otherwise. */
function setDefaults({ spec, status }: Node): void {
  if (spec?.podCIDR && !spec.podCIDRs) spec.podCIDRs = [spec.podCIDR]
  if (spec?.podCIDRs?.[0]) spec.podCIDR ??= spec.podCIDRs[0]
  if (status?.capacity) status.allocatable ??= { ...status.capacity }
}

function validate(node: Node): FieldError[] {
  return [
    ...validateTaints(node.spec?.taints, Path.of('metadata', 'taints')),
    ...validateAmounts(node),
    ...validatePodCIDRs(node.spec?.podCIDRs ?? []),
  ]
}

function validateAmounts(node: Node): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap((list) =>
    Object.entries(node.status?.[list] ?? {}).flatMap(([name, quantity]) =>
      checkQuantity(name, quantity, Path.of('status', list, name)),
    ),
  )
}

function validatePodCIDRs(cidrs: readonly string[]): FieldError[] {
  const at = path.child('podCIDRs')
  const errors = cidrs.flatMap((cidr, i) => checkCidr(at.index(i), cidr))
  if (cidrs.length < 2) return errors
  const families = new Set(cidrs.map((cidr) => parseCidr(cidr)?.ip.family))
  if (families.size < 2 || cidrs.length > 2) {
    errors.push(invalid(at, cidrs, 'may specify no more than one CIDR for each IP family'))
  }
  cidrs.forEach((cidr, i) => {
    if (cidrs.indexOf(cidr) < i) errors.push(duplicate(at.index(i), cidr))
  })
  return errors
}

function validateUpdate(next: Node, old: Node): FieldError[] {
  const errors = validateAmounts(next)
  const seen = new Set<string>()
  next.status?.addresses?.forEach((address, i) => {
    const key = `${address.type}/${address.address}`
    if (seen.has(key)) errors.push(duplicate(Path.of('status', 'addresses').index(i), address))
    seen.add(key)
  })
  const before = old.spec?.podCIDRs ?? []
  if (before.length > 0 && !sameValue(before, next.spec?.podCIDRs)) {
    const why = 'node updates may not change podCIDR except from "" to valid'
    errors.push(forbidden(path.child('podCIDRs'), why))
  }
  if (old.spec?.providerID && old.spec.providerID !== next.spec?.providerID) {
    const why = 'node updates may not change providerID except from "" to valid'
    errors.push(forbidden(path.child('providerID'), why))
  }
  return [...errors, ...validateTaints(next.spec?.taints, Path.of('metadata', 'taints'))]
}

export const nodeDefinition = declareResource<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  namespaced: false,
  shortNames: ['no'],
  setDefaults,
  validate,
  prepareForUpdate: keepStatus,
  validateUpdate,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec, validateUpdate },
  selectableFields: { 'spec.unschedulable': (node) => String(node.spec?.unschedulable ?? false) },
  columns: nodeColumns,
})
