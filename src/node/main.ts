/** The node agent: `src/node/main.ts --config FILE`. Runs in the node's network namespace. */
import { flushCompileCache } from 'node:module'
import { createLogger } from '../lib/log.ts'
import { runAgent } from './agent.ts'
import { loadConfig } from './config.ts'

const usage = 'usage: main.ts --config FILE'

async function main(): Promise<void> {
  const [option, path] = process.argv.slice(2)
  if (option !== '--config' || !path) {
    console.error(usage)
    process.exit(2)
  }
  const log = createLogger('node-agent')
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop.abort()
      // Pods go on without us, and what is not written now is written by the next agent.
      process.exit(0)
    })
  }
  try {
    await runAgent(loadConfig(path), { log, signal: stop.signal })
    // Otherwise done at the end: an agent that is killed would leave the next one to compile again, in time and memory.
    flushCompileCache()
  } catch (error) {
    log.fatal({ err: error }, 'node agent failed')
    process.exit(1)
  }
}

await main()
