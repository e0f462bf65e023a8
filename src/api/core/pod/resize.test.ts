import { describe, expect, test } from 'vitest'
import type { Pod, ResourceRequirements } from '../../generated/v1.ts'
import { setPodDefaults } from './defaults.ts'
import { resizeStrategy } from './resize.ts'

function pod(resources: ResourceRequirements, more: Partial<NonNullable<Pod['spec']>> = {}): Pod {
  const result: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', generation: 1, resourceVersion: '5' },
    spec: { containers: [{ name: 'c', image: 'i', resources }], ...more },
  }
  setPodDefaults(result)
  return result
}

const burstable = { requests: { cpu: '100m', memory: '10Mi' }, limits: { cpu: '200m', memory: '20Mi' } }

function resize(old: Pod, next: Pod): { next: Pod; errors: string[] } {
  const wanted = structuredClone(next)
  const context = {} as never
  resizeStrategy.prepareForUpdate?.(wanted, old, context)
  const errors = resizeStrategy.validateUpdate?.(wanted, old, context) ?? []
  return { next: wanted, errors: errors.map(({ field, message }) => `${field}: ${message}`) }
}

test('takes resources, a new generation, and nothing else', () => {
  const resources = { ...burstable, limits: { cpu: '1', memory: '20Mi' } }
  const wanted = pod(resources, { nodeName: 'other' })
  wanted.metadata.labels = { a: 'b' }
  const { next, errors } = resize(pod(burstable), wanted)
  expect(errors).toEqual([])
  expect(next.spec?.containers[0]?.resources).toEqual(resources)
  expect(next.spec?.nodeName).toBeUndefined()
  expect(next.metadata).toEqual({ name: 'p', namespace: 'default', generation: 2, resourceVersion: '5' })
})

describe('refuses', () => {
  const cases: [what: string, before: ResourceRequirements, after: ResourceRequirements, error: string][] = [
    [
      'another quality of service',
      burstable,
      { requests: burstable.limits, limits: burstable.limits },
      'Pod QOS Class may not change as a result of resizing',
    ],
    ['a limit that goes', burstable, { ...burstable, limits: { cpu: '200m' } }, 'resource limits cannot be removed'],
    [
      'a request that goes',
      { requests: burstable.requests },
      { requests: { cpu: '1' } },
      'resource requests cannot be removed',
    ],
    [
      'other resources',
      burstable,
      { ...burstable, requests: { ...burstable.requests, 'ephemeral-storage': '1Gi' } },
      'only cpu and memory resources are mutable',
    ],
    [
      'a request above its limit',
      burstable,
      { ...burstable, requests: { cpu: '1', memory: '10Mi' } },
      'must be less than',
    ],
  ]
  test.each(cases)('%s', (_, before, after, error) => {
    expect(resize(pod(before), pod(after)).errors.join('\n')).toContain(error)
  })
})
