/** `GET /containerLogs/…`: a container's log files, cut and followed. */
import { watch } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import type { Runtime } from '../runtime/contract.ts'
import { LogOutput, type LogReader } from './log-files.ts'
import { type LogOptions, parseLogOptions } from './log-lines.ts'
import { nextLog, openLogs } from './log-rotation.ts'
import type { Target } from './targets.ts'

export async function serveLogs(
  runtime: Runtime,
  { pod, uid, container }: Target,
  parameters: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  let options: LogOptions
  try {
    options = parseLogOptions(parameters, new Date())
  } catch (error) {
    response.writeHead(400, { 'content-type': 'text/plain' }).end(`${(error as Error).message}\n`)
    return
  }
  const files = chooseRun(runtime, { pod, uid, container }, options.previous)
  if (typeof files === 'string') {
    response.writeHead(400, { 'content-type': 'text/plain' }).end(files)
    return
  }
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  const out = new LogOutput(response, options)
  const reader = await readFiles(files, options, out)
  if (options.follow && !options.previous) await follow(runtime, { uid, container, files, reader, out })
  await reader?.close()
  response.end()
}

type Run = Pick<Target, 'pod' | 'uid' | 'container'>

/** The files of the run that is asked for, or in the kubelet's words why there are none. */
function chooseRun(runtime: Runtime, { pod, uid, container }: Run, previous: boolean): readonly string[] | string {
  const status = statusOf(pod, container)
  const runs = runtime.observe(uid).containers.get(container)
  // Between two runs, the one that ended is the previous one, and also all there is to see.
  const isBetween = runs?.current.exit !== undefined && status?.state?.waiting !== undefined
  const files = runtime.logFiles(uid, container, previous && !isBetween ? 'previous' : 'current')
  if (files) return files
  const name = `container "${container}" in pod "${pod.metadata.name}"`
  if (previous) return `previous terminated ${name} not found`
  if (!status) return `${name} is not available`
  return `${name} is waiting to start: ${waitingWords(status.state?.waiting?.reason)}`
}

function statusOf({ status }: Target['pod'], container: string) {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = status ?? {}
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    ({ name }) => name === container,
  )
}

function waitingWords(reason = 'ContainerCreating'): string {
  switch (reason) {
    case 'ErrImagePull':
      return "image can't be pulled"
    case 'ImagePullBackOff':
      return 'trying and failing to pull image'
    default:
      return reason
  }
}

/** All files in order, from where `tailLines` begins; the last one's reader, which can go on. */
async function readFiles(
  files: readonly string[],
  { tailLines }: LogOptions,
  out: LogOutput,
): Promise<LogReader | undefined> {
  const readers = await openLogs(files)
  let wanted = tailLines
  for (const reader of readers.toReversed()) if (wanted !== undefined) wanted -= await reader.skipToTail(wanted)
  for (const reader of readers) {
    await reader.readTo(out)
    if (reader !== readers.at(-1)) await reader.close()
  }
  return readers.at(-1)
}

interface Following {
  readonly uid: string
  readonly container: string
  readonly files: readonly string[]
  readonly reader: LogReader | undefined
  readonly out: LogOutput
}

/** Until the container's run ends or the reader goes away. */
async function follow(runtime: Runtime, { uid, container, files, reader, out }: Following): Promise<void> {
  const file = files.at(-1) ?? ''
  const ended = () => {
    const run = runtime.observe(uid).containers.get(container)?.current
    return !run || run.exit !== undefined || !file.endsWith(`/${run.attempt}.log`)
  }
  const news = new News()
  // The run's records lie in a directory of its own; the log beside it.
  const watchers = [dirname(file), file.replace(/\.log$/, '')].map((path) => watch(path, () => news.tell()))
  out.onClose(() => news.tell())
  let current = reader
  try {
    for (;;) {
      // Asked before reading: what was written before the end is read after it.
      const over = ended()
      const next = await nextLog(files, current)
      await current?.readTo(out)
      if (out.closed) {
        await next?.close()
        return
      }
      if (next) {
        await current?.close()
        current = next
        continue
      }
      if (over) return
      await news.wait()
    }
  } finally {
    for (const watcher of watchers) watcher.close()
    if (current !== reader) await current?.close()
  }
}

/** Wakes one waiter; news that came while nobody waited is not lost. */
class News {
  #pending = false
  #wake: (() => void) | undefined

  tell(): void {
    this.#pending = true
    this.#wake?.()
  }

  async wait(): Promise<void> {
    if (!this.#pending) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#pending = false
    this.#wake = undefined
  }
}
