/** Files an image brings: fresh copies per container, and applet links per node. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Exec } from '../../lib/exec.ts'
import { RuntimeError } from './contract.ts'
import { type Image, isInstalled } from './images.ts'

export interface FilesPlace {
  /** The run's writable layer. */
  readonly writable: string
  /** Shared between containers, never changed once made. */
  readonly cache: string
  readonly exec: Exec
}

export interface ImageFile {
  readonly source: string
  readonly target: string
  readonly access: 'ro' | 'rw'
}

export async function prepareFiles(image: Image, place: FilesPlace): Promise<ImageFile[]> {
  const copies = Object.entries(image.entry.copy ?? {}).map(([target, from]): ImageFile => {
    const source = join(place.writable, 'image', target)
    copyTree(join(image.directory, from), source, image.tag)
    return { source, target, access: 'rw' }
  })
  if (!image.entry.applets) return copies
  return [...copies, { source: await applets(place), target: image.entry.applets, access: 'ro' }]
}

function copyTree(from: string, to: string, tag: string): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyTree(source, target, tag)
    else writeFileSync(target, fill(readFileSync(source, 'latin1'), tag), 'latin1')
  }
}

/** `@IPV6@` makes a comment of its line where the kernel has no IPv6. */
function fill(text: string, tag: string): string {
  return text.replaceAll('@TAG@', tag).replaceAll('@IPV6@', existsSync('/proc/net/if_inet6') ? '' : '#')
}

/** The shell is busybox's; of the rest, only what the machine has no program of its own for. */
function isWanted(name: string): boolean {
  return name === 'sh' || !isInstalled(name)
}

async function applets({ cache, exec }: FilesPlace): Promise<string> {
  const directory = join(cache, 'busybox')
  if (existsSync(directory)) return directory
  const { code, stdout, stderr } = await exec('busybox', ['--list-full'])
  if (code !== 0) throw new RuntimeError('image', `busybox --list-full: ${stderr.trim()}`)
  const half = `${directory}.${process.pid}.${Date.now()}`
  mkdirSync(half, { recursive: true })
  const names = stdout
    .split('\n')
    .filter(Boolean)
    .map((path) => basename(path))
  for (const name of new Set(names.filter(isWanted))) symlinkSync('/usr/bin/busybox', join(half, name))
  // Two containers may come here at once; the first to finish wins.
  await rename(half, directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
  return directory
}
