/** Set-up keeps the packages that are there until it has the new ones. npm is played by a script on PATH. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const script = join(import.meta.dirname, '../scripts/setup.sh')
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fairway-setup-'))
  mkdirSync(join(root, 'node_modules'))
  mkdirSync(join(root, 'bin'))
  writeFileSync(join(root, 'package.json'), '{}')
  writeFileSync(join(root, 'package-lock.json'), 'new')
  writeFileSync(join(root, 'node_modules/.fairway-lock'), 'old')
  writeFileSync(join(root, 'node_modules/kept'), '')
})

afterEach(() => rmSync(root, { recursive: true }))

function install(npm: string): string {
  writeFileSync(join(root, 'bin/npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 })
  const env = { ...process.env, PATH: `${join(root, 'bin')}:${process.env.PATH}` }
  return execFileSync('bash', ['-c', `. ${script}; install_modules`], {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

describe('packages of another package-lock.json', () => {
  test('stay when the new ones cannot be fetched', () => {
    expect(() => install('rm -rf node_modules; exit 1')).toThrow('npm ci failed; nothing was changed')
    expect(existsSync(join(root, 'node_modules/kept'))).toBe(true)
  })

  test('are replaced by the new ones, once', () => {
    expect(install('mkdir -p node_modules && touch node_modules/fresh')).toContain('npm ci')
    expect(existsSync(join(root, 'node_modules/kept'))).toBe(false)
    expect(existsSync(join(root, 'node_modules/fresh'))).toBe(true)
    expect(readFileSync(join(root, 'node_modules/.fairway-lock'), 'utf8')).toBe('new')
    expect(install('exit 1')).toBe('')
  })
})
