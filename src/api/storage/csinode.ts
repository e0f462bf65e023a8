/** CSINode: which drivers of the Container Storage Interface a node has. Its name is that of the node. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { sameValue } from '../common/strategy.ts'
import { checkNonNegative, checkQualifiedName, immutableMessage } from '../common/validation.ts'
import type { CSINode, CSINodeDriver } from '../generated/storage.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { duplicate, invalid, Path, required } from '../machinery/field.ts'
import { declareResource } from '../resource.ts'
import { checkDriverName } from './validation.ts'

const path = Path.of('spec', 'drivers')
const nodeIdLengthMax = 256

function setDefaults(node: CSINode): void {
  node.spec ??= { drivers: [] }
  node.spec.drivers ??= []
}

function validate({ spec }: CSINode): FieldError[] {
  const names = spec.drivers.map(({ name }) => name)
  return spec.drivers.flatMap((driver, i) => {
    const at = path.index(i)
    return [
      ...checkDriverName(at.child('name'), driver.name),
      ...validateNodeId(at.child('nodeID'), driver.nodeID),
      ...checkNonNegative(at.child('allocatable', 'count'), driver.allocatable?.count),
      ...(names.indexOf(driver.name) < i ? [duplicate(at.child('name'), driver.name)] : []),
      ...validateTopologyKeys(at, driver),
    ]
  })
}

function validateNodeId(at: Path, id: string): FieldError[] {
  if (!id) return [required(at)]
  return Buffer.byteLength(id) > nodeIdLengthMax
    ? [invalid(at, id, `must be ${nodeIdLengthMax} characters or less`)]
    : []
}

function validateTopologyKeys(at: Path, { topologyKeys = [] }: CSINodeDriver): FieldError[] {
  return topologyKeys.flatMap((key, i) => [
    ...(key ? [] : [required(at)]),
    ...(topologyKeys.indexOf(key) < i ? [duplicate(at, key)] : []),
    ...checkQualifiedName(at, key),
  ])
}

/** Of a driver that stays, only how many volumes it can have may change. */
function validateUpdate(next: CSINode, old: CSINode): FieldError[] {
  const fixed = ({ allocatable: _allocatable, ...rest }: CSINodeDriver) => rest
  const changed = next.spec.drivers.filter((driver) => {
    const before = old.spec.drivers.find(({ name }) => name === driver.name)
    return before && !sameValue(fixed(driver), fixed(before))
  })
  return [...validate(next), ...changed.map((driver) => invalid(path, fixed(driver), immutableMessage))]
}

export const csiNodeDefinition = declareResource<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  singular: 'csinode',
  namespaced: false,
  setDefaults,
  validate,
  validateUpdate,
  allowUnconditionalUpdate: false,
  columns: [nameColumn, { name: 'Drivers', type: 'integer', cell: ({ spec }) => spec.drivers.length }, ageColumn],
})
