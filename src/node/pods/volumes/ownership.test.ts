import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { giveToGroup } from './ownership.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ownership-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8)

test('all that is in the volume becomes the group’s, and nothing that links lead to', () => {
  const gid = process.getgid?.() ?? 0
  const [volume, outside] = [join(directory, 'volume'), join(directory, 'outside')]
  mkdirSync(join(volume, 'a/b'), { recursive: true })
  mkdirSync(outside)
  for (const file of [join(volume, 'a/b/own'), join(outside, 'theirs')]) {
    writeFileSync(file, '')
    chmodSync(file, 0o600)
  }
  chmodSync(outside, 0o700)
  symlinkSync(outside, join(volume, 'a/out'))
  symlinkSync(join(outside, 'theirs'), join(volume, 'link'))
  giveToGroup(volume, gid, 'rw')
  expect(modeOf(join(volume, 'a/b/own'))).toBe('660')
  expect(modeOf(join(volume, 'a/b'))).toBe('2775')
  expect([modeOf(outside), modeOf(join(outside, 'theirs'))]).toEqual(['700', '600'])
})
