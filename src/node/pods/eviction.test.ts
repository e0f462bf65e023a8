import { expect, test } from 'vitest'
import type { Pod } from '../../api/generated/v1.ts'
import type { StorageUse } from '../runtime/contract.ts'
import { evictedStatus, isExempt, storageExcess } from './eviction.ts'

function pod(limits: readonly (string | undefined)[], sizeLimit?: string): Pod {
  const containers = limits.map((limit, i) => ({
    name: `c${i}`,
    resources: limit === undefined ? {} : { limits: { 'ephemeral-storage': limit } },
  }))
  const volumes = [{ name: 'data', emptyDir: sizeLimit === undefined ? {} : { sizeLimit } }]
  return { metadata: { name: 'web' }, spec: { containers, volumes } }
}

const use = (volume: number, ...containers: number[]): StorageUse => ({
  volumes: new Map([['data', volume]]),
  containers: new Map(containers.map((bytes, i) => [`c${i}`, bytes])),
})

const cases: [what: string, pod: Pod, use: StorageUse, message: string | undefined][] = [
  ['within its volume', pod([undefined], '1Ki'), use(1024, 9999), undefined],
  ['over its volume', pod([undefined], '1Ki'), use(1025), 'Usage of EmptyDir volume "data" exceeds the limit "1Ki". '],
  ['within its container', pod(['1Ki']), use(0, 1024), undefined],
  [
    'over its container',
    pod(['1Ki', '5Ki']),
    use(0, 1025),
    'Container c0 exceeded its local ephemeral storage limit "1Ki". ',
  ],
  [
    'over all together',
    pod(['1Ki', '1Ki']),
    use(2000, 100),
    'Pod ephemeral local storage usage exceeds the total limit of containers 2Ki. ',
  ],
  [
    'over all together, one of which has no limit of its own',
    pod(['1Ki', undefined]),
    use(0, 100, 1000),
    'Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. ',
  ],
  ['whose volume has the limit 0, which is none', pod([undefined], '0'), use(9999), undefined],
  [
    'whose container has the limit 0, which is none but for the pod',
    pod(['0']),
    use(0, 1),
    'Pod ephemeral local storage usage exceeds the total limit of containers 0. ',
  ],
]
test.each(cases)('a pod %s', (_, which, used, message) => expect(storageExcess(which, used)).toBe(message))

test('pods without limits, and those critical to the system, need not be measured', () => {
  expect(isExempt(pod([undefined]))).toBe(true)
  expect(isExempt(pod(['1Ki']))).toBe(false)
  expect(isExempt(pod([undefined], '1Ki'))).toBe(false)
  const { metadata, spec } = pod(['1Ki'])
  expect(isExempt({ metadata, spec: { containers: [], ...spec, priority: 2_000_000_000 } })).toBe(true)
})

test('a pod that went beyond its own limits was not disrupted by anybody', () => {
  const ready = { type: 'Ready', status: 'True' }
  const status = evictedStatus({ ...pod(['1Ki']), status: { conditions: [ready] } }, 'too much')
  expect(status).toEqual({ phase: 'Failed', reason: 'Evicted', message: 'too much', conditions: [ready] })
})
