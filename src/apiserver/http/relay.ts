/** Two connections joined: bytes pass both ways until one side is gone; then so is the other. */
import type { Duplex } from 'node:stream'

export function relay(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
    from.pipe(to)
  }
}
