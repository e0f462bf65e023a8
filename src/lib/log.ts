/** Structured logs on stderr, one JSON line each (pino). Level by `FAIRWAY_LOG_LEVEL`, default info. */
import { type Logger, pino } from 'pino'

export type { Logger }

/** `part` is who logs: `kube-proxy`, `deployment-controller`. */
export function createLogger(part: string): Logger {
  return pino(
    {
      level: process.env['FAIRWAY_LOG_LEVEL'] || 'info',
      base: { part },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Synchronous: a line logged before a crash is on disk, and no worker thread costs memory.
    pino.destination({ dest: 2, sync: true }),
  )
}

/** For tests and for callers that want silence. */
export const silentLogger: Logger = pino({ level: 'silent' })
