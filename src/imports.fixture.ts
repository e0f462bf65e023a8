/** The import statements of this source tree, read as text: what the tests on arrows and on start-up cost look at. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Import {
  /** Path below `src` for our own files, the package's or module's name for all others. */
  readonly target: string
  readonly own: boolean
  /** `type`: gone when it runs. `lazy`: `import('…')`. */
  readonly how: 'eager' | 'lazy' | 'type'
}

const statement = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm

/** Of a file below `src`. */
export function importsOf(file: string): Import[] {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8')
  return [...text.matchAll(statement)].map(([, type, fixed, lazy]) => {
    const name = fixed ?? lazy ?? ''
    const own = name.startsWith('.')
    const how = lazy ? 'lazy' : type ? 'type' : 'eager'
    return { target: own ? join(dirname(file), name) : name, own, how }
  })
}

/** All `.ts` files below `src`. */
export function sourceFiles(): string[] {
  return globSync('**/*.ts', { cwd: import.meta.dirname }).sort()
}

/** What is loaded when these files are: our files and npm packages, `import('…')` left out. */
export function loadedBy(roots: readonly string[]): { files: Set<string>; packages: Set<string> } {
  const files = new Set(roots)
  const packages = new Set<string>()
  for (const file of files) {
    for (const { target, own, how } of importsOf(file)) {
      if (how !== 'eager') continue
      if (own) files.add(target)
      else if (!target.startsWith('node:')) packages.add(target)
    }
  }
  return { files, packages }
}
