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
const keptFor = (of: Job) => new KeptDocuments(of, folder)
const documents: Made[] = [{ name: 'api/v1', hash: 'AB', gzip: Uint8Array.of(1, 2, 3) }]

test('what one server kept, the next one reads; another form, version or set of resources is another thing', () => {
  keptFor(job).keep(documents)
  expect(
    keptFor(job)
      .read()
      ?.map(({ gzip, ...rest }) => ({ ...rest, gzip: [...gzip] })),
  ).toEqual([{ name: 'api/v1', hash: 'AB', gzip: [1, 2, 3] }])
  expect(keptFor({ ...job, form: 'v3 protobuf' }).read()).toBeUndefined()
  expect(keptFor({ ...job, version: 'v1.36.1' }).read()).toBeUndefined()
  keptFor({ ...job, version: 'v1.36.1' }).keep([])
  expect(keptFor(job).read()).toBeUndefined()
})

test('a file that is cut short is none', () => {
  const kept = keptFor(job)
  kept.keep(documents)
  for (const name of readdirSync(folder)) truncateSync(join(folder, name), 20)
  expect(kept.read()).toBeUndefined()
})

test('where nothing can be written, nothing is kept', () => {
  const file = join(folder, 'no-folder')
  writeFileSync(file, '')
  const kept = new KeptDocuments(job, file)
  kept.keep(documents)
  expect(kept.read()).toBeUndefined()
})

test('whatever file the maker loads, a change of it is seen', () => {
  const elsewhere = [...loadedBy(['apiserver/openapi/maker.ts']).files].filter(
    (file) => !sourceFolders.includes(`src/${dirname(file)}`),
  )
  // What it says is part of the job.
  expect(elsewhere).toEqual(['apiserver/discovery/version.ts'])
})
