import { expect, test } from 'vitest'
import { create, definitionOf, row, update } from '../../common/testing.ts'
import type { ReplicationController, ReplicationControllerSpec } from '../../generated/v1.ts'

const metadata = { name: 'web', namespace: 'demo', creationTimestamp: '2026-11-21T00:00:00Z' }
const template = {
  metadata: { name: '', labels: { app: 'web', env: 'prod' } },
  spec: { containers: [{ name: 'web', image: 'nginx' }] },
}
const controller = (spec: ReplicationControllerSpec = { template }): ReplicationController => ({ metadata, spec })

test('selector and labels are the template’s unless it says otherwise', () => {
  const { object, errors } = create('ReplicationController', controller())
  expect(errors).toEqual([])
  expect(object.metadata.labels).toEqual({ app: 'web', env: 'prod' })
  expect(object.spec).toMatchObject({ replicas: 1, selector: { app: 'web', env: 'prod' } })
  const own = create('ReplicationController', controller({ template, selector: { app: 'web' } })).object
  expect(own.spec?.selector).toEqual({ app: 'web' })
})

test.each<[string, ReplicationControllerSpec, string[]]>([
  ['nothing said', {}, ['spec.selector: Required value', 'spec.template: Required value']],
  [
    'negative numbers',
    { template, replicas: -1, minReadySeconds: -1 },
    [
      'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
  ],
  [
    'a selector that its template does not match',
    { template, selector: { app: 'x' } },
    [
      'spec.template.metadata.labels: Invalid value: {"app":"web","env":"prod"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'a deadline',
    { template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 1 } } },
    [
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported',
    ],
  ],
])('a ReplicationController is refused for %s', (_, spec, expected) => {
  expect(create('ReplicationController', controller(spec)).errors).toEqual(expected)
})

test('its selector may change, its status must add up', () => {
  const old = create('ReplicationController', controller()).object
  const next = controller({ template, selector: { app: 'web' } })
  expect(update(old, next, { kind: 'ReplicationController' }).errors).toEqual([])
  const status = { replicas: 1, readyReplicas: 2 }
  expect(update(old, { ...old, status }, { kind: 'ReplicationController', subresource: 'status' }).errors).toEqual([
    'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
  ])
})

test('kubectl get replicationcontrollers -o wide, scale and field selector', () => {
  const { object } = create('ReplicationController', controller({ template, replicas: 3 }))
  object.status = { replicas: 2, readyReplicas: 1 }
  const { scale, selectableFields, defaultDeletion } = definitionOf('ReplicationController')
  expect(row('ReplicationController', object, new Date('2026-11-21T00:05:05Z'))).toEqual({
    Name: 'web',
    Desired: 3,
    Current: 2,
    Ready: 1,
    Age: '5m5s',
    Containers: 'web',
    Images: 'nginx',
    Selector: 'app=web,env=prod',
  })
  expect(scale?.get(object)).toEqual({ specReplicas: 3, statusReplicas: 2, selector: 'app=web,env=prod' })
  expect(selectableFields?.['status.replicas']?.(object)).toBe('2')
  expect(defaultDeletion).toBe('Orphan')
})
