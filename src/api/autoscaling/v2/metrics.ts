/** Checks of the metrics of a HorizontalPodAutoscaler. */

import { validateLabelSelector } from '../../common/selector-validation.ts'
import { check, checkLabel } from '../../common/validation.ts'
import type { MetricIdentifier, MetricSpec, MetricTarget } from '../../generated/autoscaling.v2.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { forbidden, invalid, notSupported, required } from '../../machinery/field.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import { isPathSegment } from '../../networking/validation.ts'
import { validateReference } from './reference.ts'

const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const
type Source = (typeof sources)[number]

/** `ContainerResource` is said in the field `containerResource`. */
const typeOf = (source: Source) => source.charAt(0).toUpperCase() + source.slice(1)
const types = sources.map(typeOf)
const targetTypes = ['Utilization', 'Value', 'AverageValue']

export function validateMetric(metric: MetricSpec, at: Path): FieldError[] {
  const { type } = metric
  const present = sources.filter((source) => metric[source] !== undefined)
  const errors: FieldError[] = []
  if (!type) errors.push(required(at.child('type'), 'must specify a metric source type'))
  if (!types.includes(type)) errors.push(notSupported(at.child('type'), type, types))
  const [first] = present
  if (first) errors.push(...validateSource(metric, first, at.child(first)))
  const expected = sources.find((source) => typeOf(source) === type)
  if (!expected) errors.push(notSupported(at.child('type'), type, types))
  else if (!present.includes(expected)) {
    errors.push(required(at.child(expected), 'must populate information for the given metric source'))
  }
  if (present.length === 1) return errors
  const others = present.filter((source) => source !== expected)
  return [...errors, ...others.map((one) => forbidden(at.child(one), 'must populate the given metric source only'))]
}

function validateSource(metric: MetricSpec, source: Source, at: Path): FieldError[] {
  const { object, external, pods, resource, containerResource } = metric
  switch (source) {
    case 'object':
      return object
        ? [
            ...validateReference(object.describedObject, at.child('describedObject')),
            ...validateIdentifier(object.metric, at.child('metric')),
            ...validateTarget(object.target, at.child('target')),
            ...needAmount(object.target, at, 'must set either a target value or averageValue'),
          ]
        : []
    case 'external':
      return external
        ? [
            ...validateIdentifier(external.metric, at.child('metric')),
            ...validateTarget(external.target, at.child('target')),
            ...needAmount(external.target, at, 'must set either a target value for metric or a per-pod target'),
            ...(external.target.value !== undefined && external.target.averageValue !== undefined
              ? [
                  forbidden(
                    at.child('target', 'value'),
                    'may not set both a target value for metric and a per-pod target',
                  ),
                ]
              : []),
          ]
        : []
    case 'pods':
      return pods
        ? [
            ...validateIdentifier(pods.metric, at.child('metric')),
            ...validateTarget(pods.target, at.child('target')),
            ...(pods.target.averageValue === undefined
              ? [required(at.child('target', 'averageValue'), 'must specify a positive target averageValue')]
              : []),
          ]
        : []
    case 'resource':
      return resource ? validateResource(resource, at) : []
    case 'containerResource':
      return containerResource
        ? [
            ...(containerResource.container
              ? checkLabel(at.child('container'), containerResource.container)
              : [required(at.child('container'), 'must specify a container')]),
            ...validateResource(containerResource, at),
          ]
        : []
  }
}

function needAmount({ value, averageValue }: MetricTarget, at: Path, why: string): FieldError[] {
  return value === undefined && averageValue === undefined ? [required(at.child('target', 'averageValue'), why)] : []
}

function validateResource({ name, target }: { name: string; target: MetricTarget }, at: Path): FieldError[] {
  const { averageUtilization, averageValue } = target
  const here = at.child('target')
  return [
    ...(name ? [] : [required(at.child('name'), 'must specify a resource name')]),
    ...validateTarget(target, here),
    ...(averageUtilization === undefined && averageValue === undefined
      ? [required(here.child('averageUtilization'), 'must set either a target raw value or a target utilization')]
      : []),
    ...(averageUtilization !== undefined && averageValue !== undefined
      ? [forbidden(here.child('averageValue'), 'may not set both a target raw value and a target utilization')]
      : []),
  ]
}

function validateIdentifier({ name, selector }: MetricIdentifier, at: Path): FieldError[] {
  return [
    ...(name
      ? check(at.child('name'), name, isPathSegment(name))
      : [required(at.child('name'), 'must specify a metric name')]),
    ...(selector ? validateLabelSelector(selector, at.child('selector')) : []),
  ]
}

function validateTarget(target: MetricTarget, at: Path): FieldError[] {
  const { type, averageUtilization } = target
  const errors: FieldError[] = []
  if (!type) errors.push(required(at.child('type'), 'must specify a metric target type'))
  if (!targetTypes.includes(type)) {
    errors.push(invalid(at.child('type'), type, 'must be either Utilization, Value, or AverageValue'))
  }
  for (const field of ['value', 'averageValue'] as const) {
    const amount = target[field]
    if (amount !== undefined && compareQuantities(amount, '0') <= 0) {
      errors.push(invalid(at.child(field), amount, 'must be positive'))
    }
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalid(at.child('averageUtilization'), averageUtilization, 'must be greater than 0'))
  }
  return errors
}
