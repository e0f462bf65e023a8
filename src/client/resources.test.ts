import { expect, test } from 'vitest'
import { definitions } from '../api/index.ts'
import { resources } from './resources.ts'

test('every resource that clients know is served as they address it', () => {
  const served = definitions.map(({ group, version, plural, kind, namespaced }) => ({
    group,
    version,
    plural,
    kind,
    namespaced,
  }))
  for (const resource of Object.values(resources)) expect(served).toContainEqual(resource)
})
