/** IngressClass: a kind of ingress controller. */
import { ageColumn, nameColumn, none } from '../common/columns.ts'
import { bumpGeneration, startGeneration } from '../common/strategy.ts'
import { check, checkDomainPrefixedPath, checkLabel, checkSubdomain, immutableMessage } from '../common/validation.ts'
import type { IngressClass, IngressClassParametersReference } from '../generated/networking.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { forbidden, invalid, notSupported, Path, required, tooLong } from '../machinery/field.ts'
import { declareResource } from '../resource.ts'
import { isPathSegment } from './validation.ts'

/** On a class that Ingresses without one get. */
export const isDefaultAnnotation = 'ingressclass.kubernetes.io/is-default-class'

const path = Path.of('spec')
const controllerBytesMax = 250
const scopes = ['Cluster', 'Namespace']

function setDefaults(ingressClass: IngressClass): void {
  const { parameters } = (ingressClass.spec ??= {})
  if (parameters) parameters.scope ??= 'Cluster'
}

function validate({ spec = {} }: IngressClass): FieldError[] {
  const at = path.child('controller')
  const controller = spec.controller ?? ''
  return [
    ...(Buffer.byteLength(controller) > controllerBytesMax ? [tooLong(at, controllerBytesMax)] : []),
    ...checkDomainPrefixedPath(at, controller),
    ...(spec.parameters ? validateParameters(spec.parameters) : []),
  ]
}

function validateParameters(parameters: IngressClassParametersReference): FieldError[] {
  const at = path.child('parameters')
  const { apiGroup, kind, name, namespace, scope = '' } = parameters
  const segment = (field: string, value: string) =>
    value ? check(at.child(field), value, isPathSegment(value)) : [required(at.child(field))]
  const errors = [
    ...(apiGroup === undefined ? [] : checkSubdomain(at.child('apiGroup'), apiGroup)),
    ...segment('kind', kind),
    ...segment('name', name),
  ]
  const here = at.child('namespace')
  if (!scopes.includes(scope)) errors.push(notSupported(at.child('scope'), scope, scopes))
  else if (scope === 'Cluster' && namespace !== undefined) {
    errors.push(forbidden(here, "`parameters.scope` is set to 'Cluster'"))
  } else if (scope === 'Namespace') {
    if (namespace === undefined) errors.push(required(here, "`parameters.scope` is set to 'Namespace'"))
    else errors.push(...checkLabel(here, namespace))
  }
  return errors
}

function validateUpdate(next: IngressClass, old: IngressClass): FieldError[] {
  const same = (next.spec?.controller ?? '') === (old.spec?.controller ?? '')
  const changed = invalid(path.child('controller'), next.spec?.controller ?? '', immutableMessage)
  return [...(same ? [] : [changed]), ...validate(next)]
}

function parametersText({ spec }: IngressClass): string {
  if (!spec?.parameters) return none
  const { apiGroup, kind, name } = spec.parameters
  return `${apiGroup ? `${kind}.${apiGroup}` : kind}/${name}`
}

export const ingressClassDefinition = declareResource<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  setDefaults,
  prepareForCreate: startGeneration,
  validate,
  prepareForUpdate: bumpGeneration,
  validateUpdate,
  allowUnconditionalUpdate: true,
  columns: [
    nameColumn,
    {
      name: 'Controller',
      type: 'string',
      description: 'Controller that is responsible for handling this class',
      cell: ({ spec }) => spec?.controller ?? '',
    },
    {
      name: 'Parameters',
      type: 'string',
      description: 'A reference to a resource with additional parameters',
      cell: parametersText,
    },
    ageColumn,
  ],
})
