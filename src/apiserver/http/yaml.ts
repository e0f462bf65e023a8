/**
 * YAML bodies. The reader takes seconds for the largest that are allowed, and much memory; all other requests wait for
 * what happens on the server's own thread, so that only small ones are read there.
 */
import { join } from 'node:path'
import type { YamlReader } from '../../api/machinery/body.ts'
import type { JsonSource } from '../../api/machinery/yaml.ts'

export type YamlResult =
  | { readonly source: JsonSource; readonly failure?: never }
  | { readonly failure: string; readonly source?: never }

const hereLengthMax = 16 * 1024
const timeoutMs = 20_000
const heapMbMax = 512

/** One at a time: they share the memory that one of them may take. */
let last: Promise<unknown> = Promise.resolve()

export const readYaml: YamlReader = async (yaml) => {
  const { yamlToJson } = await import('../../api/machinery/yaml.ts')
  if (yaml.length <= hereLengthMax) return yamlToJson(yaml)
  const result = last.then(() => readInThread(yaml))
  last = result.catch(() => undefined)
  return result
}

async function readInThread(yaml: string): Promise<JsonSource> {
  const { Worker } = await import('node:worker_threads')
  const thread = new Worker(join(import.meta.dirname, 'yaml-thread.ts'), {
    workerData: yaml,
    resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
  })
  const result = await new Promise<YamlResult>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, { failure: 'document takes too long to read' })
    const end = (outcome: YamlResult) => {
      clearTimeout(timer)
      resolve(outcome)
    }
    thread.once('message', end)
    thread.once('error', () => end({ failure: 'document takes too much memory to read' }))
  })
  await thread.terminate()
  if (!result.source) throw new Error(result.failure)
  return result.source
}
