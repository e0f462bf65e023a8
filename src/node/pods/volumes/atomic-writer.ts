/**
 * Puts files into a volume so that all change at once (Kubernetes' AtomicWriter): what a container sees are links into
 * `..data`, which is a link to a directory of its own, and moves.
 *
 *   key → ..data/key     ..data → ..2026_01_31_12_00_00.123456789/     the latter is new with every change
 */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { FileContent } from './content.ts'
import { giveToGroup } from './ownership.ts'

/** `fsGroup`: whose group the files become. Writes nothing when the volume holds the same already. */
export function writeVolume(directory: string, files: readonly FileContent[], fsGroup?: number): void {
  const before = linkTarget(join(directory, '..data'))
  if (before !== undefined && holds(join(directory, before), files)) return
  const version = writeVersion(directory, files, fsGroup)
  symlinkSync(version, join(directory, '..data_tmp'))
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
  linkFiles(directory, files)
  if (before) rmSync(join(directory, before), { recursive: true, force: true })
}

/** Leftovers of a writer that was killed are in nobody's way, but for the one name that is always the same. */
function writeVersion(directory: string, files: readonly FileContent[], fsGroup: number | undefined): string {
  rmSync(join(directory, '..data_tmp'), { force: true })
  const time = new Date().toISOString().replace(/[-:T]/g, '_').slice(0, 19)
  const version = mkdtempSync(join(directory, `..${time}.`))
  chmodSync(version, 0o755)
  for (const { path, data, mode, uid } of files) {
    const file = join(version, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, data)
    chmodSync(file, mode)
    if (uid !== undefined) chownSync(file, uid, 0)
  }
  if (fsGroup !== undefined) giveToGroup(version, fsGroup, 'ro')
  return basename(version)
}

/** A link for each first part of a path; links of files that are gone go too. */
function linkFiles(directory: string, files: readonly FileContent[]): void {
  const wanted = new Set(files.map(({ path }) => path.split('/')[0] ?? ''))
  for (const name of readdirSync(directory)) {
    if (!name.startsWith('..') && !wanted.has(name)) rmSync(join(directory, name), { recursive: true, force: true })
  }
  for (const name of wanted) {
    if (linkTarget(join(directory, name)) === undefined) symlinkSync(join('..data', name), join(directory, name))
  }
}

function holds(version: string, files: readonly FileContent[]): boolean {
  const found = filesBelow(version)
  if (found.length !== files.length) return false
  return files.every(({ path, data }) => found.includes(path) && readFileSync(join(version, path)).equals(data))
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) =>
    lstatSync(join(directory, path)).isFile(),
  )
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
