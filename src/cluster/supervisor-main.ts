/** The supervisor as a process of its own: `node supervisor-main.ts STATE_DIRECTORY BASE NAME`. */
import { existingCluster } from './state.ts'
import { supervise } from './supervisor.ts'

const [, base = '', name = ''] = process.argv.slice(2)
const { layout } = existingCluster(name, base)
const supervision = await supervise(layout, base)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void supervision.stop().then(() => process.exit(0))
  })
}
// A terminal that goes away is no reason to end a cluster.
process.on('SIGHUP', () => {})
