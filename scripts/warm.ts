/**
 * Fills the caches, so that no process of a cluster has to do at its start what can be done before.
 *
 * Compiled code: each program in a process that ends with a complaint about its arguments, and here whatever is imported
 * only when it is needed. Node writes the cache when a process ends.
 *
 * Documents of the API: the forms that kubectl asks for.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { definitions } from '../src/api/index.ts'
import { OpenApiDocuments } from '../src/apiserver/openapi/documents.ts'
import { Registry } from '../src/apiserver/registry.ts'
import { systemClock } from '../src/lib/clock.ts'

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
const documents = new OpenApiDocuments(new Registry(definitions), systemClock)
// Changes of objects, and fields to explain.
await documents.index()
// What cannot be changed: reviews.
await documents.v2({ accept: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' })
for (const program of programs) {
  const flags = ['--disable-warning=ExperimentalWarning']
  spawnSync(process.execPath, [...flags, join(root, program)], { stdio: 'ignore', timeout: 10_000 })
}
// An import may have left something open (a terminal, say): done is done.
process.exit(0)
