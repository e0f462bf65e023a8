import { expect, test } from 'vitest'
import { definitions } from '../../api/index.ts'
import { resources } from '../../client/resources.ts'
import type { Change } from '../../store/contract.ts'
import { Registry } from '../registry.ts'
import { ResourceCache } from './resource-cache.ts'

const resource = new Registry(definitions).served(resources.configMaps)

function put(revision: number, size: number): Change {
  const metadata = { name: 'a', namespace: 'default' }
  const value = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text: 'x'.repeat(size) } }
  const key = `${resource.prefix}default/a`
  const kv = { key, value: Buffer.from(JSON.stringify(value)), createRevision: 2, modRevision: revision }
  return { type: 'put', revision, kv }
}

test.each([
  ['many changes', { size: 10, changes: 5000, keptMax: 1024 }],
  ['large changes', { size: 1_000_000, changes: 20, keptMax: 8 }],
  ['one change that is larger than all may be', { size: 9_000_000, changes: 1, keptMax: 0 }],
])('%s are kept for a while, the last ones without a gap', (_what, { size, changes, keptMax }) => {
  const cache = new ResourceCache(resource, [], 1)
  for (let i = 0; i < changes; i++) cache.apply(put(2 + i, size))
  const last = 1 + changes
  expect(cache.changesSince(last)).toEqual([])
  const kept = Array.from({ length: last + 1 }, (_, revision) => cache.changesSince(revision)).find(
    (c) => c !== undefined,
  )
  expect(kept?.length).toBeLessThanOrEqual(keptMax)
  expect(kept?.length).toBeGreaterThanOrEqual(Math.min(keptMax, 3))
  expect(kept?.map((event) => event.revision)).toEqual(kept?.map((_, i) => last - kept.length + 1 + i))
})
