import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadedBy } from '../../imports.fixture.ts'
import { KeptDocuments, sourceFolders } from './kept.ts'
import type { Job, Made } from './maker.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-openapi-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const job: Job = { form: 'v3 json', resources: [], version: 'v1.36.0' }
const documents: Made[] = [{ name: 'api/v1', hash: 'AB', gzip: Uint8Array.of(1, 2, 3) }]

test('what one server kept, the next one reads; another form, version or set of resources is another thing', () => {
  new KeptDocuments(folder).keep(job, documents)
  const next = new KeptDocuments(folder)
  expect(next.read(job)?.map(({ gzip, ...rest }) => ({ ...rest, gzip: [...gzip] }))).toEqual([
    { name: 'api/v1', hash: 'AB', gzip: [1, 2, 3] },
  ])
  expect(next.read({ ...job, form: 'v3 protobuf' })).toBeUndefined()
  expect(next.read({ ...job, version: 'v1.36.1' })).toBeUndefined()
  next.keep({ ...job, version: 'v1.36.1' }, [])
  expect(next.read(job)).toBeUndefined()
})

test('a file that is cut short is none', () => {
  const kept = new KeptDocuments(folder)
  kept.keep(job, documents)
  for (const name of readdirSync(folder)) truncateSync(join(folder, name), 20)
  expect(kept.read(job)).toBeUndefined()
})

test('where nothing can be written, nothing is kept', () => {
  const file = join(folder, 'no-folder')
  writeFileSync(file, '')
  const kept = new KeptDocuments(file)
  kept.keep(job, documents)
  expect(kept.read(job)).toBeUndefined()
})

test('whatever file the maker loads, a change of it is seen', () => {
  const elsewhere = [...loadedBy(['apiserver/openapi/maker.ts']).files].filter(
    (file) => !sourceFolders.includes(`src/${dirname(file)}`),
  )
  // What it says is part of the job.
  expect(elsewhere).toEqual(['apiserver/discovery/version.ts'])
})
