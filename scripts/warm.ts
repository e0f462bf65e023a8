/**
 * Fills the caches. That of documents of the API: those that kubectl asks for. That of compiled code, so that no process of a cluster ever compiles at start: each program in a process that ends
 * with a complaint about its arguments, and here whatever is imported only when it is needed. Node writes the cache
 * when a process ends.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { definitions } from '../src/api/index.ts'
import { OpenApiDocuments } from '../src/apiserver/openapi/documents.ts'
import { Registry } from '../src/apiserver/registry.ts'

const root = join(import.meta.dirname, '..')
const programs = [
  'src/cli/main.ts',
  'src/cluster/control-plane.ts',
  'src/cluster/supervisor-main.ts',
  'src/node/main.ts',
  'src/proxy/main.ts',
  'src/dns/main.ts',
]

const lazy = new Set<string>()
for (const file of globSync('src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts'] })) {
  for (const [, target = ''] of readFileSync(join(root, file), 'utf8').matchAll(/\bimport\('([\w@./:-]+)'\)/g)) {
    lazy.add(target.startsWith('.') ? join(root, dirname(file), target) : target)
  }
}
for (const target of lazy) await import(target)
await new OpenApiDocuments(new Registry(definitions)).index()
for (const program of programs) {
  const flags = ['--disable-warning=ExperimentalWarning']
  spawnSync(process.execPath, [...flags, join(root, program)], { stdio: 'ignore', timeout: 10_000 })
}
// An import may have left something open (a terminal, say): done is done.
process.exit(0)
