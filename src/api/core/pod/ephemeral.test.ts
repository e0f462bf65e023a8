import { describe, expect, test } from 'vitest'
import type { EphemeralContainer, Pod } from '../../generated/v1.ts'
import { ephemeralContainersStrategy } from './ephemeral.ts'

const common = { image: 'busybox', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' }

function pod(...ephemeralContainers: EphemeralContainer[]): Pod {
  return {
    metadata: { name: 'web', namespace: 'demo', uid: 'u', generation: 1, labels: { app: 'web' } },
    spec: { containers: [{ name: 'web', ...common }], ...(ephemeralContainers.length > 0 && { ephemeralContainers }) },
    status: { phase: 'Running' },
  }
}

const debug = (more: Partial<EphemeralContainer> = {}): EphemeralContainer => ({ name: 'debug', ...common, ...more })

function written(next: Pod, old: Pod): { next: Pod; errors: string[] } {
  const context = {} as never
  ephemeralContainersStrategy.prepareForUpdate?.(next, old, context)
  const errors = ephemeralContainersStrategy.validateUpdate?.(next, old, context) ?? []
  return { next, errors: errors.map(({ field, message }) => `${field}: ${message}`) }
}

test('one is added, nothing else changes', () => {
  const wish = pod(debug({ targetContainerName: 'web' }))
  wish.metadata.labels = { app: 'other' }
  wish.status = { phase: 'Failed' }
  const { next, errors } = written({ ...wish, spec: { ...wish.spec, containers: [] } }, pod())
  expect(errors).toEqual([])
  expect(next).toEqual({
    ...pod(debug({ targetContainerName: 'web' })),
    metadata: { ...pod().metadata, generation: 2 },
  })
})

describe('refused', () => {
  const at = 'spec.ephemeralContainers'
  const cases: [what: string, next: Pod, old: Pod, errors: string[]][] = [
    ['removal', pod(), pod(debug()), [`${at}: Forbidden: existing ephemeral containers "debug" may not be removed\n`]],
    [
      'change',
      pod(debug({ image: 'x' })),
      pod(debug()),
      [`${at}: Forbidden: existing ephemeral containers "debug" may not be changed\n- image: "busybox"\n+ image: "x"`],
    ],
    ['a name that is taken', pod(debug({ name: 'web' })), pod(), [`${at}[0].name: Duplicate value: "web"`]],
    [
      'a target that is not there',
      pod(debug({ targetContainerName: 'x' })),
      pod(),
      [`${at}[0].targetContainerName: Not found: "x"`],
    ],
    [
      'what a service could rest on',
      pod(debug({ ports: [{ containerPort: 80, protocol: 'TCP' }], resources: { limits: { cpu: '1' } } })),
      pod(),
      [
        `${at}[0].ports: Forbidden: cannot be set for an Ephemeral Container`,
        `${at}[0].resources: Forbidden: cannot be set for an Ephemeral Container`,
      ],
    ],
  ]
  test.each(cases)('%s', (_, next, old, errors) => expect(written(next, old).errors).toEqual(errors))
})
