/** CRI log lines, `TIME stdout|stderr F|P TEXT`, as bytes: logs are large. Which of them a request wants. Pure. */

export interface LogOptions {
  readonly tailLines?: number
  readonly sinceTime?: Date
  readonly timestamps: boolean
  readonly limitBytes?: number
  readonly follow: boolean
  readonly previous: boolean
  /** Absent: both. */
  readonly stream?: 'stdout' | 'stderr'
}

/** Throws with a message for the client. */
export function parseLogOptions(parameters: URLSearchParams, now: Date): LogOptions {
  const number = (name: string) => {
    const text = parameters.get(name)
    if (text === null) return undefined
    if (!/^\d+$/.test(text)) throw new Error(`${name} must be a number, not ${JSON.stringify(text)}`)
    return Number(text)
  }
  const [tailLines, limitBytes, sinceSeconds] = [number('tailLines'), number('limitBytes'), number('sinceSeconds')]
  const given = parameters.get('sinceTime')
  const sinceTime = given ? new Date(given) : sinceSeconds && new Date(now.getTime() - sinceSeconds * 1000)
  if (sinceTime && Number.isNaN(sinceTime.getTime()))
    throw new Error(`sinceTime ${JSON.stringify(given)} is not a time`)
  const flag = (name: string) => ['true', '1'].includes(parameters.get(name) ?? '')
  const stream = { Stdout: 'stdout', Stderr: 'stderr' } as const
  const only = stream[(parameters.get('stream') ?? 'All') as keyof typeof stream]
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceTime && { sinceTime }),
    ...(only && { stream: only }),
  }
}

/**
 * Where the last lines begin in a piece of a log that begins and ends with lines; `found` of `wanted` are in it. A long
 * line's parts count as one.
 */
export function findTail(piece: Buffer, wanted: number): { start: number; found: number } {
  let start = piece.length
  for (let found = 0; ; found++) {
    if (found === wanted || start === 0) return { start, found }
    do start = lineStart(piece, start)
    while (start > 0 && !endsLine(piece, start))
  }
}

const newline = 10

function lineStart(piece: Buffer, end: number): number {
  return end < 2 ? 0 : piece.lastIndexOf(newline, end - 2) + 1
}

/** Whether the entry before `position` is the last part of its line. */
function endsLine(piece: Buffer, position: number): boolean {
  const begin = lineStart(piece, position)
  const flag = piece.indexOf(' ', piece.indexOf(' ', begin) + 1) + 1
  return piece[flag] === 'F'.charCodeAt(0)
}

const space = 32
const fullFlag = 'F'.charCodeAt(0)

/** Renders entries; a timestamp stands only where a line begins. */
export class LineRenderer {
  readonly #timestamps: boolean
  readonly #since: Buffer
  readonly #stream: Buffer | undefined
  #atStart = true

  constructor({ timestamps, sinceTime, stream }: Pick<LogOptions, 'timestamps' | 'sinceTime' | 'stream'>) {
    this.#timestamps = timestamps
    // Times are written with nine digits after the second, so that they compare as bytes.
    this.#since = Buffer.from(sinceTime?.toISOString().replace('Z', '000000Z') ?? '')
    this.#stream = stream && Buffer.from(stream)
  }

  /** `entries` are whole; what the client gets of them is never longer. Returns how much of `out` it takes. */
  render(entries: Buffer, out: Buffer): number {
    let length = 0
    for (let start = 0; start < entries.length; ) {
      const end = entries.indexOf(newline, start)
      length += this.#entry(entries.subarray(start, end), out.subarray(length))
      start = end + 1
    }
    return length
  }

  /** What is no entry is passed over. */
  #entry(entry: Buffer, out: Buffer): number {
    const timeEnd = entry.indexOf(space)
    const streamEnd = entry.indexOf(space, timeEnd + 1)
    if (timeEnd < 0 || streamEnd < 0) return 0
    if (this.#since.compare(entry, 0, timeEnd) > 0) return 0
    if (this.#stream?.compare(entry, timeEnd + 1, streamEnd)) return 0
    let length = this.#timestamps && this.#atStart ? entry.copy(out, 0, 0, timeEnd + 1) : 0
    this.#atStart = entry[streamEnd + 1] === fullFlag
    length += entry.copy(out, length, streamEnd + 3)
    if (!this.#atStart) return length
    out[length] = newline
    return length + 1
  }
}
