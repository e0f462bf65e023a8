/** What a person sees while a command works: one line per finished phase, with its time. */

export interface Progress {
  /** Runs `work` and reports it with its time when it has succeeded. Phases may overlap. */
  phase<T>(title: string, work: () => Promise<T>): Promise<T>
  note(text: string): void
}

export interface ProgressOptions {
  readonly write: (text: string) => void
  /** A terminal also shows what is being waited for. */
  readonly terminal: boolean
}

export function progress({ write, terminal }: ProgressOptions): Progress {
  const running: string[] = []
  const clear = terminal ? '\r\u001b[K' : ''
  const waiting = () => (terminal && running.length > 0 ? `  … ${running.join(', ')}` : '')
  const line = (text: string) => write(`${clear}${text}\n${waiting()}`)
  return {
    async phase(title, work) {
      const startedAt = performance.now()
      running.push(title)
      if (terminal) write(clear + waiting())
      try {
        const result = await work()
        running.splice(running.indexOf(title), 1)
        line(`  ${title.padEnd(44)} ${duration(performance.now() - startedAt).padStart(9)}`)
        return result
      } catch (error) {
        running.splice(running.indexOf(title), 1)
        line(`  ${title.padEnd(44)}    failed`)
        throw error
      }
    },
    note: line,
  }
}

/** `870 ms`, `1.24 s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`
}
