/** A thread that reads one YAML document and ends: `workerData` is its text, the message to its parent what came out. */
import { parentPort, workerData } from 'node:worker_threads'
import { yamlToJson } from '../../api/machinery/yaml.ts'
import type { YamlResult } from './yaml.ts'

function read(text: string): YamlResult {
  try {
    return { source: yamlToJson(text) }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}

const nothingMoved: never[] = []
parentPort?.postMessage(read(String(workerData)), nothingMoved)
