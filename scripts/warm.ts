/**
 * Fills the compile cache, so that no process of a cluster ever compiles at start: imports every module that is no
 * program of its own, in one process, and each program in a process that ends with a complaint about its arguments.
 * Node writes the cache when a process ends.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const programs = [
  'src/cli/main.ts',
  'src/cluster/control-plane.ts',
  'src/cluster/supervisor-main.ts',
  'src/node/main.ts',
  'src/proxy/main.ts',
  'src/dns/main.ts',
]
const apart = /\.test\.ts$|contract-suite|\/testing\//

for (const file of globSync('src/**/*.ts', { cwd: root })) {
  // A program of its own may refuse to be imported; it is compiled all the same.
  if (!programs.includes(file) && !apart.test(file)) await import(join(root, file)).catch(() => {})
}
// What modules import only when they need it.
await Promise.all([import('yaml'), import('ws')])
for (const program of programs) {
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, program)], {
    stdio: 'ignore',
    timeout: 10_000,
  })
}
// An import may have left something open (a pty, say): done is done.
process.exit(0)
