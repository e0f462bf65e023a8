import { expect, test } from 'vitest'
import type { Pod, PodStatus } from '../../api/generated/v1.ts'
import { StatusError } from '../../api/machinery/status.ts'
import type { KubeClient } from '../../client/index.ts'
import { StatusWriter } from './status-writer.ts'

/** What is written of a status, if anything. */
async function written(pod: Pod, status: PodStatus): Promise<unknown> {
  let patch: unknown
  const client: Pick<KubeClient, 'patch'> = {
    patch: (_resource, _name, body) => {
      patch = body
      return Promise.reject(new StatusError({ code: 409, reason: 'Conflict', message: 'changed meanwhile' }))
    },
  }
  await new StatusWriter(client).write(pod, status)
  return patch
}

const metadata = { name: 'web', namespace: 'demo', uid: 'u', resourceVersion: '7', generation: 2 }

test('a status says of which generation it is, whoever made it of what', async () => {
  const failed = { phase: 'Failed', reason: 'Evicted' }
  expect(await written({ metadata, status: { observedGeneration: 1 } }, { observedGeneration: 1, ...failed })).toEqual({
    metadata: { uid: 'u', resourceVersion: '7' },
    status: { ...failed, observedGeneration: 2 },
  })
})

test('a status that says nothing new is not written', async () => {
  const status = { phase: 'Running', observedGeneration: 2 }
  expect(await written({ metadata, status }, { phase: 'Running' })).toBeUndefined()
})
