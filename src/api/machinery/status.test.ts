import { expect, test } from 'vitest'
import { isReason, notFoundError, StatusError } from './status.ts'

test('a Status has its fields in the order that Go writes them', () => {
  const { status } = notFoundError({ group: 'apps', resource: 'deployments' }, 'web')
  expect(JSON.stringify(status)).toBe(
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",' +
      '"message":"deployments.apps \\"web\\" not found","reason":"NotFound",' +
      '"details":{"name":"web","group":"apps","kind":"deployments"},"code":404}',
  )
})

test('what is not known of an error is left out', () => {
  expect(JSON.stringify(new StatusError({ code: 500 }).status)).not.toContain('message')
  expect(notFoundError({ group: '', resource: '' }, 'web').status.details).toEqual({ name: 'web' })
})

test('an error is known by its reason', () => {
  expect(isReason(notFoundError({ group: '', resource: 'pods' }, 'web'), 'NotFound')).toBe(true)
  expect(isReason(new Error('NotFound'), 'NotFound')).toBe(false)
})
