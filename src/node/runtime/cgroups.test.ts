import { expect, test } from 'vitest'
import { Cgroups, hierarchies, limitFiles, weightOf } from './cgroups.ts'

const v1 = (options: string, mount: string) =>
  `30 25 0:26 / ${mount} rw,relatime shared:9 - cgroup cgroup rw,${options}`
const v2 = (mount: string) => `31 25 0:27 / ${mount} rw - cgroup2 cgroup2 rw,nsdelegate`

test('the machine says what controls what', () => {
  const nothing = () => ''
  expect(hierarchies(v2('/sys/fs/cgroup'), () => 'cpuset cpu io memory pids')).toEqual([
    { version: 2, mount: '/sys/fs/cgroup', controllers: ['cpu', 'memory'] },
  ])
  const old = [v1('cpu,cpuacct', '/c/cpu'), v1('memory', '/c/memory'), v1('pids', '/c/pids'), v2('/c/unified')].join(
    '\n',
  )
  expect(hierarchies(old, nothing)).toEqual([
    { version: 1, mount: '/c/cpu', controllers: ['cpu'] },
    { version: 1, mount: '/c/memory', controllers: ['memory'] },
    { version: 2, mount: '/c/unified', controllers: [] },
  ])
  const own = v1('cpu', '/c/cpu').replace(' / ', ' /sandbox ')
  expect(hierarchies([v1('cpu', '/c/cpu'), own].join('\n'), nothing)).toHaveLength(1)
  expect(hierarchies('22 1 8:1 / / rw - ext4 /dev/sda rw', nothing)).toEqual([])
})

test('limits are told in the words of each version, to the controllers there are', () => {
  const limits = { cpuShares: 512, cpuQuotaUs: 50_000, memoryBytes: 1024 }
  expect(limitFiles(2, ['cpu', 'memory'], limits)).toEqual([
    ['cpu.weight', '59'],
    ['cpu.max', '50000 100000'],
    ['memory.max', '1024'],
    ['memory.swap.max', '0'],
  ])
  expect(limitFiles(1, ['memory'], limits)).toEqual([
    ['memory.limit_in_bytes', '1024'],
    ['memory.memsw.limit_in_bytes', '1024'],
  ])
  expect(limitFiles(1, ['cpu'], limits)).toEqual([
    ['cpu.shares', '512'],
    ['cpu.cfs_period_us', '100000'],
    ['cpu.cfs_quota_us', '50000'],
  ])
  expect(limitFiles(1, ['memory'], { cpuShares: 2 })).toEqual([])
})

test('shares become weights', () => {
  expect([0, 2, 1024, 262_144, 1_000_000].map(weightOf)).toEqual([1, 1, 100, 10_000, 10_000])
})

test('a hierarchy where nothing can be made is not used, though it is there', async () => {
  const groups = new Cgroups([{ version: 1, mount: '/proc/self', controllers: ['memory'] }])
  await groups.prepare('fairway/none', [])
  expect(groups.missing).toEqual(['cpu', 'memory'])
})
