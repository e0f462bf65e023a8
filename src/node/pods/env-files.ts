/** Environment variables from files in a pod's emptyDir volumes (KEP-3721): `NAME='value'`, literal, over several lines too. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

const sizeMax = 64 * 1024

/** Throws with the line that is none of a variable, a comment, or empty. Pure. */
export function parseEnvFile(text: string): Map<string, string> {
  const found = new Map<string, string>()
  const declaration = /[ \t]*(?:#[^\n]*|([^\s=#'][^=\n']*?)[ \t]*=[ \t]*'([^']*)'[ \t]*)?(?:\r?\n|$)/y
  while (declaration.lastIndex < text.length) {
    const start = declaration.lastIndex
    const match = declaration.exec(text)
    if (!match) {
      const line = text.slice(0, start).split('\n').length
      throw new Error(`invalid environment variable format at line ${line}`)
    }
    if (match[1] !== undefined) found.set(match[1], match[2] ?? '')
  }
  return found
}

/** The file's text; undefined when it is not there. Links do not lead out of the volume. */
export function readEnvFile(volume: string, path: string): string | undefined {
  const root = realpathSync(volume)
  let file: number | undefined
  try {
    const resolved = realpathSync(join(root, path))
    if (!resolved.startsWith(`${root}/`)) return undefined
    // Between the looks a container may put a link there, or above.
    file = openSync(resolved, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (readlinkSync(`/proc/self/fd/${file}`) !== resolved) return undefined
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new Error(`${path} is not a file`)
    if (stats.size > sizeMax) throw new Error(`environment variable file ${path} is larger than ${sizeMax} bytes`)
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
