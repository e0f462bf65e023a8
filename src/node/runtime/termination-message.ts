/** Why a container says it ended: its termination message, or the end of its log. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { AttemptPaths } from './paths.ts'

/** The kubelet's bounds. */
const messageMaxBytes = 4096
const logMaxBytes = 2048
const logMaxLines = 80

/** '' when there is none. */
export function terminationMessage(
  { message, log }: Pick<AttemptPaths, 'message' | 'log'>,
  { failed, fallback }: { readonly failed: boolean; readonly fallback: 'none' | 'log' },
): string {
  const own = tail(message, messageMaxBytes)
  if (own !== '' || !failed || fallback !== 'log') return own
  const lines = tail(log, logMaxBytes * 4)
    .split('\n')
    .slice(-logMaxLines - 1)
  const text = lines.map(written).join('')
  return Buffer.from(text).subarray(-logMaxBytes).toString()
}

/** What a line of the log says: after its time and stream, whether the program ended it (`F`) or only paused (`P`). */
function written(line: string): string {
  const [, tag = '', text = ''] = /^\S+ (?:stdout|stderr) ([FP]) (.*)$/s.exec(line) ?? []
  return tag === 'F' ? `${text}\n` : text
}

function tail(path: string, bytesMax: number): string {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
  try {
    const { size } = fstatSync(file)
    const buffer = Buffer.alloc(Math.min(size, bytesMax))
    const read = readSync(file, buffer, 0, buffer.length, Math.max(0, size - bytesMax))
    return buffer.subarray(0, read).toString()
  } finally {
    closeSync(file)
  }
}
