/** Two connections joined: bytes pass both ways until one side is gone; then so is the other. */
import type { Duplex } from 'node:stream'

/** A side that does not take the last bytes is left after this long. */
const lingerMs = 30_000

/** Who is left behind still gets what was on its way. */
export function relay(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => from.destroy())
    from.on('close', () => {
      if (!from.readableEnded) return to.destroy()
      const linger = setTimeout(() => to.destroy(), lingerMs)
      to.once('close', () => clearTimeout(linger))
    })
    from.pipe(to)
  }
}
