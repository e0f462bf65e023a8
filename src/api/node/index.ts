/** The group node.k8s.io, v1: ways to run pods. Knows nothing of other groups' behaviour but tolerations. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { check, checkLabel, checkLabels, immutableMessage } from '../common/validation.ts'
import { validateTolerations } from '../core/pod/tolerations-validation.ts'
import type { RuntimeClass } from '../generated/node.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { duplicate, invalid, Path } from '../machinery/field.ts'
import { compareQuantities } from '../machinery/quantity.ts'
import { isQualifiedName } from '../machinery/validate.ts'
import { declareResource, type ResourceDefinition } from '../resource.ts'

function validate({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const podFixed = Path.of('overhead', 'podFixed')
  return [
    ...checkLabel(Path.of('handler'), handler),
    ...Object.entries(overhead?.podFixed ?? {}).flatMap(([name, quantity]) => [
      ...check(podFixed, name, isQualifiedName(name)),
      ...(compareQuantities(quantity, '0') < 0
        ? [invalid(podFixed.key(name), quantity, 'must be greater than or equal to 0')]
        : []),
    ]),
    ...(scheduling ? validateScheduling(scheduling) : []),
  ]
}

function validateScheduling({ nodeSelector, tolerations = [] }: NonNullable<RuntimeClass['scheduling']>): FieldError[] {
  const at = Path.of('scheduling', 'tolerations')
  const texts = tolerations.map((toleration) => JSON.stringify(toleration))
  return [
    ...checkLabels(Path.of('scheduling', 'nodeSelector'), nodeSelector),
    ...validateTolerations(tolerations, at),
    ...tolerations.flatMap((toleration, i) =>
      texts.indexOf(texts[i] ?? '') < i ? [duplicate(at.index(i), toleration)] : [],
    ),
  ]
}

const runtimeClassDefinition = declareResource<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  validate,
  validateUpdate: (next, old) => [
    ...validate(next),
    ...(next.handler === old.handler ? [] : [invalid(Path.of('handler'), next.handler, immutableMessage)]),
  ],
  allowUnconditionalUpdate: true,
  columns: [nameColumn, { name: 'Handler', type: 'string', cell: ({ handler }) => handler }, ageColumn],
})

export const nodeDefinitions: readonly ResourceDefinition[] = [runtimeClassDefinition]
