import { expect, test } from 'vitest'
import type { Container, Pod, PodStatus } from '../../generated/v1.ts'
import { podRequests } from './requests.ts'

const container = (name: string, cpu: string, more: Partial<Container> = {}): Container => ({
  name,
  image: 'i',
  resources: { requests: { cpu } },
  ...more,
})
const sidecar = { restartPolicy: 'Always' }
const holding = (cpu: string, reason?: string): PodStatus => ({
  containerStatuses: [
    {
      name: 'a',
      image: 'i',
      imageID: '',
      ready: true,
      restartCount: 0,
      resources: { requests: { cpu } },
      allocatedResources: { cpu },
    },
  ],
  ...(reason && { conditions: [{ type: 'PodResizePending', status: 'True', reason }] }),
})

const cases: [what: string, spec: Pod['spec'], status: PodStatus | undefined, cpu: number | undefined][] = [
  ['nothing asked', { containers: [{ name: 'a', image: 'i' }] }, undefined, undefined],
  ['containers together', { containers: [container('a', '1'), container('b', '500m')] }, undefined, 1500],
  [
    'an init container that needs more',
    { containers: [container('a', '1')], initContainers: [container('i', '3')] },
    undefined,
    3000,
  ],
  [
    'beside the sidecars before it, not after',
    {
      containers: [container('a', '1')],
      initContainers: [container('s', '1', sidecar), container('i', '3'), container('t', '1', sidecar)],
    },
    undefined,
    4000,
  ],
  ['the pod itself', { containers: [container('a', '1')], resources: { requests: { cpu: '4' } } }, undefined, 4000],
  ['overhead', { containers: [container('a', '1')], overhead: { cpu: '100m' } }, undefined, 1100],
  ['more wanted than held', { containers: [container('a', '2')] }, holding('1'), 2000],
  ['more held than wanted', { containers: [container('a', '2')] }, holding('3'), 3000],
  ['more wanted, for now in vain', { containers: [container('a', '2')] }, holding('1', 'Deferred'), 2000],
  ['more wanted, in vain for ever', { containers: [container('a', '2')] }, holding('1', 'Infeasible'), 1000],
]

test.each(cases)('%s', (_, spec, status, cpu) => {
  const pod: Pod = { metadata: { name: 'p' }, ...(spec && { spec }), ...(status && { status }) }
  expect(podRequests(pod).get('cpu')).toBe(cpu)
})
