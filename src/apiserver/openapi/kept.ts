/**
 * Documents as they were made before, on disk beside the compiled code: to make them costs more than all else a server
 * does for a first `kubectl apply`. They are good as long as nothing that they are made of has changed.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Job, Made } from './maker.ts'

const root = join(import.meta.dirname, '../../..')

/** All that the maker and what it reads is in, besides the job. */
export const sourceFolders = ['src/apiserver/openapi', 'src/api/machinery', 'src/api/generated', '.cache/descriptions']

interface Kept {
  readonly key: string
  readonly documents: readonly Made[]
}

export class KeptDocuments {
  readonly #folder: string

  /** `folder`: where they are, one file for each form. */
  constructor(folder = join(root, '.cache/openapi')) {
    this.#folder = folder
  }

  /** undefined: none are there, or of something else. */
  read(job: Job): readonly Made[] | undefined {
    try {
      const { key, documents } = deserialize(readFileSync(this.#file(job))) as Kept
      return key === keyOf(job) ? documents : undefined
    } catch {
      return undefined
    }
  }

  /** Where nothing can be written, the next server makes them again. */
  keep(job: Job, documents: readonly Made[]): void {
    const kept: Kept = { key: keyOf(job), documents }
    const file = this.#file(job)
    try {
      mkdirSync(this.#folder, { recursive: true })
      writeFileSync(`${file}.${process.pid}`, serialize(kept))
      renameSync(`${file}.${process.pid}`, file)
    } catch {}
  }

  #file({ form }: Job): string {
    return join(this.#folder, form.replace(' ', '-'))
  }
}

function keyOf(job: Job): string {
  const hash = createHash('sha256').update(JSON.stringify(job))
  for (const folder of sourceFolders) {
    const path = join(root, folder)
    if (!existsSync(path)) continue
    for (const name of readdirSync(path).sort()) {
      const { size, mtimeMs } = statSync(join(path, name))
      hash.update(`${folder}/${name} ${size} ${mtimeMs}\n`)
    }
  }
  return hash.digest('hex')
}
