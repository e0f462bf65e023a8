/** ControllerRevision: one former or present state of a StatefulSet or DaemonSet, kept to go back to. */
import { ageColumn, nameColumn, none } from '../../common/columns.ts'
import { sameValue } from '../../common/strategy.ts'
import { checkNonNegative, immutableMessage } from '../../common/validation.ts'
import type { ControllerRevision } from '../../generated/apps.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path, required } from '../../machinery/field.ts'
import { controllerOf } from '../../machinery/object.ts'
import { declareResource } from '../../resource.ts'

const data = Path.of('data')

function validate(revision: ControllerRevision): FieldError[] {
  return [
    ...(revision.data === undefined || revision.data === null ? [required(data, 'data is mandatory')] : []),
    ...checkNonNegative(Path.of('revision'), revision.revision),
  ]
}

/** As in `kubectl get`: `statefulset.apps/web`. */
function controllerText(revision: ControllerRevision): string {
  const owner = controllerOf(revision)
  if (!owner) return none
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`
}

export const controllerRevisionDefinition = declareResource<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  validate,
  validateUpdate: (next, old) => [
    ...validate(next),
    ...(sameValue(next.data, old.data) ? [] : [invalid(data, next.data, immutableMessage)]),
  ],
  allowUnconditionalUpdate: true,
  columns: [
    nameColumn,
    {
      name: 'Controller',
      type: 'string',
      description: 'Controller of the object',
      cell: controllerText,
    },
    {
      name: 'Revision',
      type: 'string',
      description: 'Revision indicates the revision of the state represented by Data.',
      cell: ({ revision }) => revision,
    },
    ageColumn,
  ],
})
