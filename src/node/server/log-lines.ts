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

/** Lines of whole files, cut to what was asked for. A long line's parts count as one. */
export function selectLines(lines: readonly LogLine[], { tailLines, sinceTime }: LogOptions): LogLine[] {
  let selected = sinceTime ? lines.filter(({ time }) => new Date(time) >= sinceTime) : [...lines]
  if (tailLines === undefined) return selected
  if (tailLines === 0) return []
  let wanted = tailLines
  for (let i = selected.length - 2; i >= 0; i--) {
    if (selected[i]?.full && --wanted === 0) {
      selected = selected.slice(i + 1)
      break
    }
  }
  return selected
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
