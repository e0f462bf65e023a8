/** `GET /containerLogs/…`: a container's log files, cut and followed. */
import { watch } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import type { Runtime } from '../runtime/contract.ts'
import { LineRenderer, type LogLine, type LogOptions, parseLine, parseLogOptions, selectLines } from './log-lines.ts'
import type { Target } from './server.ts'

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
  const files = runtime.logFiles(uid, container, options.previous ? 'previous' : 'current')
  if (!files) {
    const name = `container "${container}" in pod "${pod.metadata.name}"`
    const text = options.previous
      ? `previous terminated ${name} not found`
      : `${name} is waiting to start: ContainerCreating`
    response.writeHead(400, { 'content-type': 'text/plain' }).end(text)
    return
  }
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  const out = new LimitedOutput(response, options)
  const { lines, size } = await readLines(files)
  out.write(selectLines(lines, options))
  if (options.follow && !options.previous)
    await follow(runtime, { uid, container, file: files.at(-1) ?? '', from: size, out })
  response.end()
}

/** All files in order, and how far the last one was read. */
async function readLines(files: readonly string[]): Promise<{ lines: LogLine[]; size: number }> {
  const lines: LogLine[] = []
  let size = 0
  for (const file of files) {
    const content = await readFile(file).catch(() => Buffer.alloc(0))
    size = content.lastIndexOf(10) + 1
    lines.push(...parseLines(content.subarray(0, size)))
  }
  return { lines, size }
}

function parseLines(content: Buffer): LogLine[] {
  return content
    .toString()
    .split('\n')
    .flatMap((line) => parseLine(line) ?? [])
}

interface Following {
  readonly uid: string
  readonly container: string
  readonly file: string
  readonly from: number
  readonly out: LimitedOutput
}

/** Until the container's run ends or the reader goes away. */
async function follow(runtime: Runtime, { uid, container, file, from, out }: Following): Promise<void> {
  const ended = () => {
    const run = runtime.observe(uid).containers.get(container)?.current
    return !run || run.exit !== undefined || !file.endsWith(`/${run.attempt}.log`)
  }
  const news = new News()
  // The run's records lie in a directory of its own; the log beside it.
  const watchers = [dirname(file), file.replace(/\.log$/, '')].map((path) => watch(path, () => news.tell()))
  out.onClose(() => news.tell())
  let position = from
  try {
    for (;;) {
      // Asked before reading: what was written before the end is read after it.
      const over = ended() || out.closed
      position = await copyFrom(file, position, out)
      if (over) return
      await news.wait()
    }
  } finally {
    for (const watcher of watchers) watcher.close()
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

async function copyFrom(file: string, position: number, out: LimitedOutput): Promise<number> {
  const handle = await open(file).catch(() => undefined)
  if (!handle) return position
  try {
    const { size } = await handle.stat()
    // Smaller than before: the shim began a new file.
    const start = size < position ? 0 : position
    const buffer = Buffer.alloc(size - start)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start)
    const end = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1
    out.write(parseLines(buffer.subarray(0, end)))
    return start + end
  } finally {
    await handle.close()
  }
}

/** Ends the response once `limitBytes` are written. */
class LimitedOutput {
  readonly #response: ServerResponse
  readonly #renderer: LineRenderer
  #left: number

  constructor(response: ServerResponse, options: LogOptions) {
    this.#response = response
    this.#renderer = new LineRenderer(options)
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY
  }

  get closed(): boolean {
    return this.#left <= 0 || this.#response.destroyed || this.#response.writableEnded
  }

  onClose(fn: () => void): void {
    this.#response.on('close', fn)
  }

  write(lines: readonly LogLine[]): void {
    const bytes = Buffer.from(this.#renderer.render(lines))
    const kept = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes
    this.#left -= kept.length
    if (kept.length > 0 && !this.#response.destroyed) this.#response.write(kept)
  }
}
