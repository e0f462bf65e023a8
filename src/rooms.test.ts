/** Imports between rooms follow the arrows of the design: a room knows the rooms below it and none beside it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importsOf, sourceFiles } from './imports.fixture.ts'

/** Whom a room may import, besides itself. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  api: ['lib'],
  store: ['lib'],
  client: ['lib', 'api'],
  apiserver: ['lib', 'api', 'store', 'client'],
  controllers: ['lib', 'api', 'client'],
  node: ['lib', 'api', 'client'],
  proxy: ['lib', 'api', 'client'],
  dns: ['lib', 'api', 'client'],
  cluster: ['lib', 'api', 'store', 'client', 'apiserver', 'controllers', 'node', 'proxy'],
  cli: ['client', 'cluster'],
}

/** Files that go their own way, and why. */
const exempt: Readonly<Record<string, readonly string[]>> = {
  // The DNS is tested against the real API server and what the real controllers write.
  'dns/fixture.ts': ['apiserver', 'controllers', 'store'],
}

/** Rooms that are programs or put others together have no door; their files say what they are. */
const withoutDoor = ['cli', 'cluster']

const roomOf = (file: string) => file.split('/')[0] ?? ''
const inRoom = (file: string) => file.includes('/')

test('every room has its arrows', () => {
  const rooms = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(rooms.map(({ name }) => name).sort()).toEqual(Object.keys(arrows).sort())
})

test('imports follow the arrows', () => {
  const against = sourceFiles()
    .filter(inRoom)
    .flatMap((file) => {
      const allowed = [roomOf(file), ...(arrows[roomOf(file)] ?? []), ...(exempt[file] ?? [])]
      const own = importsOf(file).filter((found) => found.own && inRoom(found.target))
      return own.filter(({ target }) => !allowed.includes(roomOf(target))).map(({ target }) => `${file} → ${target}`)
    })
  expect(against).toEqual([])
})

test('no file needs itself by way of others: what is imported when it runs goes in no circle', () => {
  expect(inCircles()).toEqual([])
})

/** Files that import one of the others here and are imported by one, until none of another sort is left. */
function inCircles(): string[] {
  const targets = (file: string) => importsOf(file).filter(({ own, how }) => own && how === 'eager')
  const left = new Map(sourceFiles().map((file) => [file, targets(file).map(({ target }) => target)]))
  for (let before = 0; before !== left.size; ) {
    before = left.size
    const needed = new Set([...left.values()].flat())
    for (const [file, wants] of left) {
      if (!needed.has(file) || !wants.some((target) => left.has(target))) left.delete(file)
    }
  }
  return [...left.keys()]
}

test('exempt files still need what they are exempt for', () => {
  for (const [file, rooms] of Object.entries(exempt)) {
    const used = new Set(importsOf(file).map(({ target }) => roomOf(target)))
    expect(rooms.filter((room) => !used.has(room))).toEqual([])
  }
})

test('nothing that runs imports tests or their fixtures', () => {
  const forTests = /\.test\.ts$|fixtures?\.ts$|\/testing\/|\/testing\.ts$|\/test-[^/]*\.ts$|-suite\.ts$/
  const against = sourceFiles()
    .filter((file) => !forTests.test(file))
    .flatMap((file) => importsOf(file).map(({ target }) => [file, target] as const))
    .filter(([, target]) => forTests.test(target))
  expect(against).toEqual([])
})

test('a door says what its room owns', () => {
  for (const room of Object.keys(arrows).filter((name) => !withoutDoor.includes(name))) {
    const door = join(import.meta.dirname, room, 'index.ts')
    expect(existsSync(door), room).toBe(true)
    expect(readFileSync(door, 'utf8').startsWith(`/**\n * ${room}: `), room).toBe(true)
  }
})
