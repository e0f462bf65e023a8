/** How a failed command ends. */

/** Errors whose message is made for the user; of all others the stack is worth showing on request. */
export function reportAndExit(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`fairway: ${message}\n`)
  if (process.env['FAIRWAY_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  process.exit(1)
}
