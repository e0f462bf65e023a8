/** Two connections joined: bytes pass both ways until one side is gone; then so is the other. */
import type { Duplex } from 'node:stream'
import { lingerMs } from '../../lib/drained.ts'

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
