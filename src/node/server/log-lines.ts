/** CRI log lines: `TIME stdout|stderr F|P TEXT`, and which of them a request wants. Pure. */

export interface LogOptions {
  readonly tailLines?: number
  readonly sinceTime?: Date
  readonly timestamps: boolean
  readonly limitBytes?: number
  readonly follow: boolean
  readonly previous: boolean
}

export interface LogLine {
  readonly time: string
  readonly text: string
  /** Ends a line; false for a part of a long one. */
  readonly full: boolean
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
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceTime && { sinceTime }),
  }
}

export function parseLine(line: string): LogLine | undefined {
  const match = /^(\S+) (?:stdout|stderr) ([FP]) ?/.exec(line)
  if (!match?.[1]) return undefined
  return { time: match[1], full: match[2] === 'F', text: line.slice(match[0].length) }
}

/**
 * Where the last lines begin in a piece of a log that begins and ends with lines; `found` of `wanted` are in it. A long
 * line's parts count as one. Works on bytes: logs are large.
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

/** Renders lines; a timestamp stands only where a line begins. */
export class LineRenderer {
  readonly #timestamps: boolean
  #atStart = true

  constructor({ timestamps }: Pick<LogOptions, 'timestamps'>) {
    this.#timestamps = timestamps
  }

  render(lines: readonly LogLine[]): string {
    let text = ''
    for (const line of lines) {
      if (this.#timestamps && this.#atStart) text += `${line.time} `
      text += line.full ? `${line.text}\n` : line.text
      this.#atStart = line.full
    }
    return text
  }
}
