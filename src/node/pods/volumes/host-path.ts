/** hostPath volumes: the check, or the making, that their type asks for. */
import { chmodSync, mkdirSync, type Stats, statSync, writeFileSync } from 'node:fs'

const nouns: Readonly<Record<string, readonly [noun: string, is: (stats: Stats) => boolean]>> = {
  Directory: ['directory', (stats) => stats.isDirectory()],
  DirectoryOrCreate: ['directory', (stats) => stats.isDirectory()],
  File: ['file', (stats) => stats.isFile()],
  FileOrCreate: ['file', (stats) => stats.isFile()],
  Socket: ['socket file', (stats) => stats.isSocket()],
  CharDevice: ['character device', (stats) => stats.isCharacterDevice()],
  BlockDevice: ['block device', (stats) => stats.isBlockDevice()],
}

/** Throws with the kubelet's words. Without a type nothing is checked; the runtime makes what is missing. */
export function prepareHostPath(path: string, type: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  const [noun, is] = nouns[type] ?? []
  if (!noun || !is) {
    if (!found) makeDirectory(path)
    return
  }
  if (found) {
    if (is(found)) return
    throw new Error(`hostPath type check failed: ${path} is not a ${noun}`)
  }
  if (type === 'DirectoryOrCreate') makeDirectory(path)
  // Its parents are not made.
  else if (type === 'FileOrCreate') makeFile(path)
  else throw new Error(`hostPath type check failed: ${path} is not a ${noun}`)
}

function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 })
}

function makeFile(path: string): void {
  try {
    writeFileSync(path, '', { flag: 'a' })
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : String(error)
    throw new Error(`open ${path}: ${reason}`, { cause: error })
  }
  chmodSync(path, 0o644)
}
