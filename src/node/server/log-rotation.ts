/**
 * The files of one run's log. The shim puts a full one away by giving all of them older names, also while they are read:
 * so they are looked at from the newest on, where none can slip by.
 */
import { stat } from 'node:fs/promises'
import { LogReader } from './log-files.ts'

/** `paths` and what is opened of them are in order, the one that is being written last. */
export async function openLogs(paths: readonly string[]): Promise<LogReader[]> {
  const readers: LogReader[] = []
  for (const path of paths.toReversed()) {
    const reader = await LogReader.open(path)
    if (!reader) continue
    // It got its older name in between.
    if (readers.at(-1)?.inode === reader.inode) await reader.close()
    else readers.push(reader)
  }
  return readers.reverse()
}

/**
 * What was written after the file being read: undefined when that is the last one, the oldest there is when that one is
 * not kept any more.
 */
export async function nextLog(
  paths: readonly string[],
  current: Pick<LogReader, 'inode'> | undefined,
): Promise<LogReader | undefined> {
  const { ino } = await stat(paths.at(-1) ?? '').catch((): { ino?: number } => ({}))
  if (ino !== undefined && ino === current?.inode) return undefined
  let later: LogReader | undefined
  for (const path of paths.toReversed()) {
    const reader = await LogReader.open(path)
    if (!reader) continue
    if (reader.inode === current?.inode) {
      await reader.close()
      return later
    }
    await later?.close()
    later = reader
  }
  return later
}
