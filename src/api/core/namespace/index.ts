/** Namespace: a scope for names. It ends when its contents have; until then it carries a finalizer in its spec. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import { keepStatus } from '../../common/strategy.ts'
import type { Namespace } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path } from '../../machinery/field.ts'
import { isDNS1123Label, isQualifiedName } from '../../machinery/validate.ts'
import { declareResource } from '../../resource.ts'

const contentFinalizer = 'kubernetes'
const standardFinalizers = ['foregroundDeletion', 'kubernetes', 'orphan']
const namespaceNameLabel = 'kubernetes.io/metadata.name'

/** Every namespace carries its name as a label, so that selectors can choose it. */
function setDefaults(namespace: Namespace): void {
  if (namespace.metadata.name) (namespace.metadata.labels ??= {})[namespaceNameLabel] = namespace.metadata.name
  namespace.status ??= {}
  namespace.status.phase ||= 'Active'
}

function prepareForCreate(namespace: Namespace): void {
  namespace.status = { phase: 'Active' }
  const finalizers = ((namespace.spec ??= {}).finalizers ??= [])
  if (!finalizers.includes(contentFinalizer)) finalizers.push(contentFinalizer)
}

function validate(namespace: Namespace): FieldError[] {
  const path = Path.of('spec', 'finalizers')
  return (namespace.spec?.finalizers ?? []).flatMap((name) => {
    const errors = isQualifiedName(name).map((message) => invalid(path, name, message))
    if (!name.includes('/') && !standardFinalizers.includes(name)) {
      errors.push(invalid(path, name, 'name is neither a standard finalizer name nor is it fully qualified'))
    }
    return errors
  })
}

function validateStatus(next: Namespace): FieldError[] {
  const path = Path.of('status', 'Phase')
  const phase = next.status?.phase ?? ''
  if (next.metadata.deletionTimestamp === undefined) {
    return phase === 'Active' ? [] : [invalid(path, phase, "may only be 'Active' if `deletionTimestamp` is empty")]
  }
  if (phase === 'Terminating') return []
  return [invalid(path, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")]
}

/** The desired state of a namespace changes only through the subresource finalize. */
function keepFinalizers(next: Namespace, old: Namespace): void {
  if (old.spec === undefined) delete next.spec
  else next.spec = old.spec
}

export const namespaceDefinition = declareResource<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  namespaced: false,
  shortNames: ['ns'],
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  validateName: isDNS1123Label,
  setDefaults,
  prepareForCreate,
  validate,
  prepareForUpdate: (next, old) => {
    keepFinalizers(next, old)
    keepStatus(next, old)
  },
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepFinalizers, validateUpdate: validateStatus },
  selectableFields: { 'status.phase': (namespace) => namespace.status?.phase ?? '' },
  columns: [
    nameColumn,
    {
      name: 'Status',
      type: 'string',
      description: 'The status of the namespace',
      cell: (namespace) => namespace.status?.phase ?? '',
    },
    ageColumn,
  ],
})
