import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { addToUserKubeconfig, removeFromUserKubeconfig, userKubeconfigPath } from './kubeconfig.ts'

const ours = { name: 'fairway', server: 'https://172.30.0.1:6443', ca: 'CA', cert: 'CERT', key: 'KEY' }
const theirs = `# mine
apiVersion: v1
kind: Config
clusters:
  - name: work # do not touch
    cluster:
      server: https://work.example.org
contexts:
  - name: work
    context:
      cluster: work
      user: me
users:
  - name: me
    user:
      token: secret # keep
current-context: work
`

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
  path = join(directory, 'sub', 'config')
})
afterEach(() => rmSync(directory, { recursive: true }))

describe("the user's kubeconfig", () => {
  test('stays a symbolic link where it is one', async () => {
    const real = join(directory, 'real')
    writeFileSync(real, theirs)
    mkdirSync(join(directory, 'sub'))
    symlinkSync(real, path)
    const merged = await addToUserKubeconfig(path, ours)
    expect(parse(readFileSync(real, 'utf8'))).toMatchObject({ 'current-context': 'fairway' })
    await removeFromUserKubeconfig('fairway', merged)
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    expect(readFileSync(real, 'utf8')).toBe(theirs)
    expect(readdirSync(directory).sort()).toEqual(['real', 'sub'])
  })

  test.each([
    ['is a directory', () => mkdirSync(path, { recursive: true }), /^kubeconfig .* cannot be read: EISDIR/],
    ['is something else', () => writeFileSync(path, '- 1\n'), /^kubeconfig .*: not a kubeconfig$/],
    ['is broken', () => writeFileSync(path, 'a: ['), /^kubeconfig .*: Flow sequence/],
  ])('that %s is named in the error', async (_, make, message) => {
    mkdirSync(join(directory, 'sub'))
    make()
    await expect(addToUserKubeconfig(path, ours)).rejects.toThrow(message)
  })

  test('is made when there is none, and removed when nothing else came into it', async () => {
    const merged = await addToUserKubeconfig(path, ours)
    expect(parse(readFileSync(path, 'utf8'))).toMatchObject({ 'current-context': 'fairway', kind: 'Config' })
    await removeFromUserKubeconfig('fairway', merged)
    expect(existsSync(path)).toBe(false)
  })

  test('gets our entries beside the others, and is given back as it was', async () => {
    path = join(directory, 'config')
    writeFileSync(path, theirs)
    const merged = await addToUserKubeconfig(path, ours)
    const between = parse(readFileSync(path, 'utf8'))
    expect(between['current-context']).toBe('fairway')
    expect(between.clusters.map((entry: { name: string }) => entry.name)).toEqual(['work', 'fairway'])
    await removeFromUserKubeconfig('fairway', merged)
    expect(readFileSync(path, 'utf8')).toBe(theirs)
  })

  test('a context chosen meanwhile stays chosen', async () => {
    path = join(directory, 'config')
    writeFileSync(path, theirs)
    const merged = await addToUserKubeconfig(path, ours)
    writeFileSync(path, readFileSync(path, 'utf8').replace('current-context: fairway', 'current-context: other'))
    await removeFromUserKubeconfig('fairway', merged)
    expect(readFileSync(path, 'utf8')).toContain('current-context: other')
  })

  test.each(['', 'apiVersion: v1\nkind: Config\nclusters: null\nusers: []\n', '{"kind":"Config","clusters":[]}'])(
    'one without entries takes ours: %j',
    async (text) => {
      path = join(directory, 'config')
      writeFileSync(path, text)
      await addToUserKubeconfig(path, ours)
      await addToUserKubeconfig(path, ours)
      const content = parse(readFileSync(path, 'utf8'))
      expect([content.clusters.length, content.users.length, content.contexts.length]).toEqual([1, 1, 1])
    },
  )

  test('one that is not YAML is an error that names it, and stays untouched', async () => {
    path = join(directory, 'config')
    writeFileSync(path, 'clusters: [')
    await expect(addToUserKubeconfig(path, ours)).rejects.toThrow(`kubeconfig ${path}: `)
    expect(readFileSync(path, 'utf8')).toBe('clusters: [')
  })

  test('is the first file of KUBECONFIG', () => {
    expect(userKubeconfigPath({ KUBECONFIG: ':/a:/b' })).toBe('/a')
    expect(userKubeconfigPath({})).toMatch(/\/\.kube\/config$/)
  })
})
