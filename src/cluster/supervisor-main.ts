/** The supervisor as a process of its own: `node supervisor-main.ts STATE_DIRECTORY BASE NAME`. */
import { existingCluster } from './state.ts'
import { supervise } from './supervisor.ts'

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
if (base && name) await main(base, name)
else process.exitCode = 2
