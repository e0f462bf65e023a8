/**
 * What each program loads before its first line runs, as numbers: a package or a few files more are a decision, since
 * every process pays for them in start-up time and memory.
 */
import { describe, expect, test } from 'vitest'
import { importsOf, loadedBy } from './imports.fixture.ts'

interface Budget {
  /** The program, and what it imports by `import('…')` on its way to work. */
  readonly roots: readonly string[]
  readonly packages: readonly string[]
  /** Source files at most. */
  readonly filesMax: number
}

const budgets: Readonly<Record<string, Budget>> = {
  fairway: { roots: ['cli/main.ts'], packages: ['commander'], filesMax: 16 },
  'fairway up': {
    roots: ['cli/main.ts', 'cluster/up.ts', 'cluster/progress.ts'],
    packages: ['commander'],
    filesMax: 40,
  },
  'fairway status': {
    roots: ['cli/main.ts', 'cluster/state.ts', 'cluster/status.ts'],
    packages: ['commander'],
    filesMax: 30,
  },
  supervisor: { roots: ['cluster/supervisor-main.ts'], packages: [], filesMax: 12 },
  'control plane': { roots: ['cluster/control-plane.ts'], packages: ['pino'], filesMax: 445 },
  agent: { roots: ['node/main.ts'], packages: ['pino'], filesMax: 105 },
  'kube-proxy, until its rules are in place': {
    roots: ['proxy/main.ts', 'proxy/proxy.ts', 'proxy/serve/observer.ts', 'proxy/serve/health.ts', 'client/index.ts'],
    packages: ['pino'],
    filesMax: 42,
  },
  'kube-proxy': {
    roots: [
      'proxy/main.ts',
      'proxy/proxy.ts',
      'proxy/serve/observer.ts',
      'proxy/serve/health.ts',
      'client/index.ts',
      'proxy/serve/serve.ts',
      'proxy/serve/service-health.ts',
    ],
    packages: ['pino'],
    filesMax: 45,
  },
  coredns: { roots: ['dns/main.ts'], packages: ['pino'], filesMax: 44 },
}

describe.each(Object.entries(budgets))('%s', (_, { roots, packages, filesMax }) => {
  const loaded = loadedBy(roots)

  test('loads these packages and no other', () => {
    expect([...loaded.packages].sort()).toEqual(packages)
  })

  test('loads no more files than its budget', () => {
    expect(loaded.files.size).toBeLessThanOrEqual(filesMax)
  })
  test('does not import node:http, which loads undici: src/lib/http.ts has what is needed', () => {
    const importing = [...loaded.files].filter((file) =>
      importsOf(file).some(({ target, how }) => target === 'node:http' && how !== 'type'),
    )
    expect(importing).toEqual([])
  })
})
