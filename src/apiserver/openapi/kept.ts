/**
 * Documents as they were made before, on disk beside the compiled code: to make them costs more than all else a server
 * does for a first `kubectl apply`. They are good as long as nothing that they are made of has changed.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
  readonly #file: string
  /** Of what is there before the documents are made: a change meanwhile makes them old. */
  readonly #key: string

  /** `folder`: where they are, one file for each form. */
  constructor(job: Job, folder = join(root, '.cache/openapi')) {
    this.#file = join(folder, job.form.replace(' ', '-'))
    this.#key = keyOf(job)
  }

  /** undefined: none are there, or of something else. */
  read(): readonly Made[] | undefined {
    try {
      const { key, documents } = deserialize(readFileSync(this.#file)) as Kept
      return key === this.#key ? documents : undefined
    } catch {
      return undefined
    }
  }

  /** Where nothing can be written, the next server makes them again. */
  keep(documents: readonly Made[]): void {
    const kept: Kept = { key: this.#key, documents }
    const file = `${this.#file}.${process.pid}`
    try {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, serialize(kept))
      renameSync(file, this.#file)
    } catch {}
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
