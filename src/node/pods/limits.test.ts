import { expect, test } from 'vitest'
import type { Container, Pod, ResourceRequirements } from '../../api/generated/v1.ts'
import { containerLimits, memoryVolumeBytes, oomScore, podLimits } from './limits.ts'

const container = (resources: ResourceRequirements, name = 'c', restartPolicy?: string): Container => ({
  name,
  resources,
  ...(restartPolicy && { restartPolicy }),
})
const pod = (containers: Container[], initContainers: Container[] = []): Pod => ({
  metadata: { name: 'web' },
  spec: { containers, initContainers },
})
const both = { limits: { cpu: '2', memory: '1Ki' }, requests: { cpu: '500m', memory: '1Ki' } }

test('of a container', () => {
  expect(containerLimits(container({}))).toBeUndefined()
  expect(containerLimits(container(both))).toEqual({ cpuShares: 512, cpuQuotaUs: 200_000, memoryBytes: 1024 })
  expect(containerLimits(container({ limits: { cpu: '1' } }))).toEqual({ cpuShares: 1024, cpuQuotaUs: 100_000 })
  expect(containerLimits(container({ requests: { cpu: '1m' } }))).toEqual({ cpuShares: 2 })
})

test('of a pod: all together, where all have some', () => {
  expect(podLimits(pod([container({})]))).toBeUndefined()
  expect(podLimits(pod([container(both), container(both)]))).toEqual({
    cpuShares: 1024,
    cpuQuotaUs: 400_000,
    memoryBytes: 2048,
  })
  expect(podLimits(pod([container(both), container({})])), 'one is not held').toEqual({ cpuShares: 512 })
  const inits = [container(both, 'side', 'Always'), container({ limits: { cpu: '8', memory: '1Ki' } }, 'init')]
  expect(podLimits(pod([container(both)], inits)), 'the largest init beside its sidecars').toEqual({
    cpuShares: 8704,
    cpuQuotaUs: 1_000_000,
    memoryBytes: 2048,
  })
})

test('of a volume in memory: the least of its own, its pod and the node; 0 is none', () => {
  const limited = pod([container({ limits: { memory: '2Ki' } })])
  expect(memoryVolumeBytes(pod([container({})]), undefined, '4Ki')).toBe(4096)
  expect(memoryVolumeBytes(limited, undefined, '4Ki')).toBe(2048)
  expect(memoryVolumeBytes(limited, '1Ki', '4Ki')).toBe(1024)
  expect(memoryVolumeBytes(limited, '8Ki', '4Ki')).toBe(2048)
  expect(memoryVolumeBytes(limited, '0', '4Ki')).toBe(2048)
})

test('who is ended first when memory is short', () => {
  const score = (resources: ResourceRequirements) => oomScore(pod([container(resources)]), container(resources), 4096)
  expect(score({})).toBe(1000)
  expect(score({ requests: { memory: '1Ki' } })).toBe(750)
  expect(score({ limits: { cpu: '1', memory: '1Ki' } })).toBe(-997)
})
