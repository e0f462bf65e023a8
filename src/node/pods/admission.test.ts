import { expect, test } from 'vitest'
import type { Pod } from '../../api/generated/v1.ts'
import { refusal } from './admission.ts'

type Spec = Partial<NonNullable<Pod['spec']>>

const allocatable = { cpu: '2', memory: '1Gi', pods: '3' }
const pod = (name: string, spec: Spec = {}, phase?: string): Pod => ({
  metadata: { name, uid: name },
  spec: { containers: [], ...spec },
  ...(phase && { status: { phase } }),
})
const asking = (requests: Record<string, string>): Spec => ({
  containers: [{ name: 'c', image: 'x', resources: { requests } }],
})
const port = (hostPort: number, hostIP?: string): Spec => ({
  containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 1, hostPort, ...(hostIP && { hostIP }) }] }],
})
const running = pod('running', { ...asking({ cpu: '1500m' }) })
const noPorts = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"

const cases: [what: string, spec: Spec, accepted: Pod[], refused: [reason: string, message: string] | undefined][] = [
  ['what fits', asking({ cpu: '500m', memory: '1Gi' }), [running], undefined],
  [
    'too much beside others',
    asking({ cpu: '501m' }),
    [running],
    ['OutOfcpu', "Node didn't have enough resource: cpu, requested: 501, used: 1500, capacity: 2000"],
  ],
  [
    'as much when the others have ended',
    asking({ cpu: '2' }),
    [{ ...running, status: { phase: 'Failed' } }],
    undefined,
  ],
  [
    'too much for the node',
    asking({ memory: '2Gi' }),
    [],
    ['OutOfmemory', "Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824"],
  ],
  [
    'one more than the node may have',
    {},
    [pod('a'), pod('b'), pod('c')],
    ['OutOfpods', "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"],
  ],
  ['what the node knows nothing of', asking({ 'example.org/thing': '1' }), [], undefined],
  ['a port that is taken', port(80), [pod('a', port(80))], ['NodePorts', noPorts]],
  ['a port of another address', port(80, '10.0.0.1'), [pod('a', port(80, '10.0.0.2'))], undefined],
  [
    'another system',
    { os: { name: 'windows' } },
    [],
    ['PodOSNotSupported', "Failed to admit pod as the OS field doesn't match node OS"],
  ],
  [
    'a node of another system',
    { nodeSelector: { 'kubernetes.io/os': 'windows' } },
    [],
    [
      'PodOSSelectorNodeLabelDoesNotMatch',
      "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
    ],
  ],
  ['its own system', { os: { name: 'linux' }, nodeSelector: { 'kubernetes.io/os': 'linux' } }, [], undefined],
]
test.each(cases)('a pod that asks for %s', (_, spec, accepted, refused) => {
  const found = refusal(pod('new', spec), { accepted, allocatable })
  expect(found && [found.reason, found.message]).toEqual(refused)
})

test('a pod does not stand in its own way', () => {
  expect(refusal(running, { accepted: [running], allocatable })).toBeUndefined()
})
