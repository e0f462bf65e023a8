import { expect, test } from 'vitest'
import { Path } from '../machinery/field.ts'
import { validateLabelSelector } from './selector-validation.ts'

test('operators and their values', () => {
  const selector = {
    matchLabels: { a: 'b' },
    matchExpressions: [
      { key: 'a', operator: 'In' },
      { key: 'a', operator: 'Exists', values: ['x'] },
      { key: 'a', operator: 'Frob' },
    ],
  }
  const errors = validateLabelSelector(selector, Path.of('spec', 'selector'))
  expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    'spec.selector.matchExpressions[2].operator: Invalid value: "Frob": not a valid selector operator',
  ])
})
