/**
 * The process runtime's image catalogue: which program of the host stands for an image, and which files it brings.
 * Data is in `images/catalogue.json`; a user's own entries come first.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { RuntimeError } from './contract.ts'

/** One catalogue entry, as written in the file. */
export interface ImageEntry {
  /** Without tag; `*` stands for any characters. Docker Hub names in their short form: `nginx`, `ikubernetes/demoapp`. */
  readonly name: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly workingDir?: string
  /** Default SIGTERM. */
  readonly stopSignal?: string
  /** Directory in the container → directory beside the catalogue; a fresh copy per container, `@TAG@` and `@IPV6@` replaced. */
  readonly copy?: Readonly<Record<string, string>>
  /** Directory in the container that gets links to busybox: its shell, and what the machine lacks. */
  readonly applets?: string
  readonly requires?: readonly { readonly program: string; readonly package: string }[]
}

/** An entry chosen for a reference. */
export interface Image {
  readonly entry: ImageEntry
  /** As the pod wrote it. */
  readonly reference: string
  readonly tag: string
  /** Where the entry's `copy` sources are relative to. */
  readonly directory: string
}

export interface ImageReference {
  readonly name: string
  readonly tag: string
}

/** `docker.io/library/nginx:1.14.2` → nginx, 1.14.2. Without a tag: latest. */
export function parseReference(reference: string): ImageReference {
  const [withoutDigest = ''] = reference.split('@')
  const colon = withoutDigest.lastIndexOf(':')
  const hasTag = colon > withoutDigest.lastIndexOf('/')
  const path = hasTag ? withoutDigest.slice(0, colon) : withoutDigest
  return {
    name: path.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, ''),
    tag: hasTag ? withoutDigest.slice(colon + 1) : 'latest',
  }
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const domain = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9-]+)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?'
const wellFormed = new RegExp(
  `^(?:${domain}/)?${component}(?:/${component})*(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z][\\w+.-]*:[0-9a-fA-F]{32,})?$`,
)

/** Throws RuntimeError `imageName` for what is no reference (distribution's grammar). */
function checkReference(reference: string): void {
  if (wellFormed.test(reference)) return
  const uppercase = wellFormed.test(reference.toLowerCase())
  const why = uppercase ? `: repository name (${repositoryOf(reference)}) must be lowercase` : ''
  throw new RuntimeError('imageName', `couldn't parse image name "${reference}": invalid reference format${why}`)
}

/** Without registry and tag; Docker Hub's own are in `library`. */
function repositoryOf(reference: string): string {
  const { name } = parseReference(reference)
  const [first = '', ...rest] = name.split('/')
  if (rest.length === 0) return `library/${name}`
  return /[.:]|^localhost$/.test(first) ? rest.join('/') : name
}

export function matches(pattern: string, name: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${expression}$`).test(name)
}

export interface CatalogueFile {
  readonly directory: string
  readonly images: readonly ImageEntry[]
}

export class Catalogue {
  readonly #files: readonly CatalogueFile[]
  readonly #hasProgram: (program: string) => boolean

  constructor(files: readonly CatalogueFile[], hasProgram: (program: string) => boolean = isInstalled) {
    this.#files = files
    this.#hasProgram = hasProgram
  }

  /** Throws RuntimeError `image` with what to do about it. */
  find(reference: string): Image {
    checkReference(reference)
    const { name, tag } = parseReference(reference)
    for (const { directory, images } of this.#files) {
      const entry = images.find((candidate) => matches(candidate.name, name))
      if (!entry) continue
      this.#checkPrograms(entry, reference)
      return { entry, reference, tag, directory }
    }
    throw new RuntimeError(
      'image',
      `failed to resolve image "${reference}": not in the process runtime's catalogue; ` +
        `add an entry named "${name}" to ~/.config/fairway/images.json (images/README.md has its form)`,
    )
  }

  #checkPrograms(entry: ImageEntry, reference: string): void {
    const missing = entry.requires?.find(({ program }) => !this.#hasProgram(program))
    if (!missing) return
    throw new RuntimeError(
      'image',
      `image "${reference}" is the host's program "${missing.program}", which is not installed: ` +
        `apt-get install --no-install-recommends ${missing.package}`,
    )
  }
}

/** Absent files are skipped; a file that is no catalogue is an error that names it. */
export function loadCatalogue(paths: readonly string[]): Catalogue {
  const files = paths.filter((path) => existsSync(path)).map(readCatalogue)
  return new Catalogue(files)
}

function readCatalogue(path: string): CatalogueFile {
  const parsed = JSON.parse(readFileSync(path, 'utf8')) as { images?: ImageEntry[] }
  const images = parsed.images
  if (!Array.isArray(images) || images.some(({ name }) => typeof name !== 'string')) {
    throw new Error(`image catalogue ${path}: must be {"images": [{"name": …}]}`)
  }
  return { directory: dirname(resolve(path)), images }
}

export const programPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** On the machine, where a container's PATH finds it. */
export function isInstalled(program: string): boolean {
  if (program.startsWith('/')) return existsSync(program)
  return programPath.some((directory) => existsSync(join(directory, program)))
}
