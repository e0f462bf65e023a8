/** Processes of this machine: are they still the ones we know, and ending them. */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { readIfThere } from './paths.ts'

/** A process id may be given again; with the time it was started it names one process. */
export interface ProcessId {
  readonly pid: number
  /** Field 22 of proc(5)'s stat. */
  readonly startTime: string
}

/** A killed process that does not end within this time hangs in the kernel. */
const killDeadlineMs = 5000

export function isAlive({ pid, startTime }: ProcessId): boolean {
  const stat = readStat(pid)
  return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z'
}

/** It may end by itself between the look and the signal. */
export function killIfAlive(id: ProcessId, signal: string): void {
  if (!isAlive(id)) return
  try {
    process.kill(id.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Resolves when all have ended. */
export async function killAll(ids: readonly ProcessId[]): Promise<void> {
  for (const id of ids) killIfAlive(id, 'SIGKILL')
  const deadline = Date.now() + killDeadlineMs
  while (ids.some(isAlive) && Date.now() < deadline) await sleep(2)
}

/** Those whose arguments include one of `words`: shims, by their spec files. */
export function processesNaming(words: ReadonlySet<string>): ProcessId[] {
  if (words.size === 0) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const argv = readProc(`${name}/cmdline`)?.split('\0') ?? []
      if (!argv.some((word) => words.has(word))) return []
      const stat = readStat(Number(name))
      return stat ? [{ pid: Number(name), startTime: stat.startTime }] : []
    })
}

function readStat(pid: number): { state: string; startTime: string } | undefined {
  const text = readProc(`${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(') ') + 2).split(' ')
  return fields && { state: fields[0] ?? '', startTime: fields[19] ?? '' }
}

/** Undefined when the process has gone, also while we read. */
function readProc(path: string): string | undefined {
  try {
    return readIfThere(`/proc/${path}`)
  } catch {
    return undefined
  }
}
