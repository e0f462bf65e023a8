/**
 * The supervisor as a process of its own: `node supervisor-main.ts STATE_DIRECTORY BASE NAME`. It waits for the word to
 * begin on its standard input; when that ends without it, whoever made the cluster has given up.
 */
import { readFileSync } from 'node:fs'
import { existingCluster } from './state.ts'
import { beginWord, supervise } from './supervisor.ts'

async function main(base: string, name: string): Promise<void> {
  const { layout } = existingCluster(name, base)
  const supervision = await supervise(layout, base)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      void supervision.stop().then(() => process.exit(0))
    })
  }
  // A terminal that goes away is no reason to end a cluster.
  process.on('SIGHUP', () => {})
}

const [, base, name] = process.argv.slice(2)
if (!base || !name) process.exitCode = 2
else if (readFileSync(0, 'utf8') === beginWord) await main(base, name)
