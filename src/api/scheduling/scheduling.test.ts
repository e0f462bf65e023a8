import { describe, expect, test } from 'vitest'
import { create, row, update } from '../common/testing.ts'
import type { RuntimeClass } from '../generated/node.k8s.io.v1.ts'
import type { PriorityClass } from '../generated/scheduling.k8s.io.v1.ts'
import type { PodTemplate } from '../generated/v1.ts'
import { systemPriorityClasses } from './priorityclass.ts'

const now = new Date('2026-11-21T00:05:05Z')
const creationTimestamp = '2026-11-21T00:00:00Z'

describe('PriorityClass', () => {
  const priorityClass = (change: Partial<PriorityClass> = {}, name = 'high'): PriorityClass => ({
    metadata: { name, creationTimestamp },
    value: 1000,
    ...change,
  })

  test('gets Kubernetes’ defaults', () => {
    const { object, errors } = create('PriorityClass', priorityClass())
    expect(errors).toEqual([])
    expect(object).toMatchObject({ metadata: { generation: 1 }, preemptionPolicy: 'PreemptLowerPriority' })
    for (const known of systemPriorityClasses) expect(create('PriorityClass', known).errors).toEqual([])
  })

  const reserved =
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: "
  test.each<[string, PriorityClass, string[]]>([
    [
      'a value of the system’s',
      priorityClass({ value: 1_000_000_001 }),
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
    [
      'a name of the system’s',
      priorityClass({}, 'system-own'),
      [`${reserved}system-own is not a known system priority class`],
    ],
    [
      'another value for a system class',
      priorityClass({}, 'system-node-critical'),
      [`${reserved}value of system-node-critical PriorityClass must be 2000001000`],
    ],
    [
      'an unknown policy',
      priorityClass({ preemptionPolicy: 'Always' }),
      ['preemptionPolicy: Unsupported value: "Always": supported values: "Never", "PreemptLowerPriority"'],
    ],
  ])('is refused for %s', (_name, object, expected) => {
    expect(create('PriorityClass', object).errors).toEqual(expected)
  })

  test('keeps its value', () => {
    const old = create('PriorityClass', priorityClass()).object
    const next = priorityClass({ value: 1, preemptionPolicy: 'Never' })
    expect(update(old, next, { kind: 'PriorityClass' }).errors).toEqual([
      'value: Forbidden: may not be changed in an update.',
      'preemptionPolicy: Invalid value: "Never": field is immutable',
    ])
  })

  test('kubectl get pc', () => {
    const { object } = create('PriorityClass', priorityClass())
    expect(Object.values(row('PriorityClass', object, now))).toEqual([
      'high',
      1000,
      false,
      '5m5s',
      'PreemptLowerPriority',
    ])
  })
})

describe('RuntimeClass', () => {
  const runtimeClass = (change: Partial<RuntimeClass> = {}): RuntimeClass => ({
    metadata: { name: 'process', creationTimestamp },
    handler: 'process',
    ...change,
  })

  test('has a handler, which stays', () => {
    const { object, errors } = create('RuntimeClass', runtimeClass())
    expect(errors).toEqual([])
    expect(create('RuntimeClass', runtimeClass({ handler: 'A' })).errors[0]).toMatch(
      /^handler: Invalid value: "A": a lowercase RFC 1123 label/,
    )
    expect(update(object, runtimeClass({ handler: 'other' }), { kind: 'RuntimeClass' }).errors).toEqual([
      'handler: Invalid value: "other": field is immutable',
    ])
    expect(Object.values(row('RuntimeClass', object, now))).toEqual(['process', 'process', '5m5s'])
  })

  test('does not repeat tolerations', () => {
    const tolerations = [
      { key: 'a', operator: 'Exists' },
      { key: 'a', operator: 'Exists' },
    ]
    expect(create('RuntimeClass', runtimeClass({ scheduling: { tolerations } })).errors).toEqual([
      'scheduling.tolerations[1]: Duplicate value: {"key":"a","operator":"Exists"}',
    ])
  })
})

test('a PodTemplate is a template like any other', () => {
  const template = {
    metadata: { name: '', labels: { app: 'web' } },
    spec: { containers: [{ name: 'web', image: 'nginx' }] },
  }
  const podTemplate: PodTemplate = { metadata: { name: 'web', namespace: 'demo' }, template }
  const { object, errors } = create('PodTemplate', podTemplate)
  expect(errors).toEqual([])
  expect(object.template?.spec).toMatchObject({ restartPolicy: 'Always', dnsPolicy: 'ClusterFirst' })
  expect(Object.values(row('PodTemplate', object, now))).toEqual(['web', 'web', 'nginx', 'app=web'])
  expect(create('PodTemplate', { ...podTemplate, template: {} }).errors).toEqual([
    'template.spec.containers: Required value',
  ])
})
