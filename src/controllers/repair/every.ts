/** Something done now and again, until the controllers stop. */
import type { ControllerContext } from '../context.ts'

/** How often everything is looked at again (upstream's interval of both repair controllers). */
export const auditIntervalMs = 3 * 60_000

export function every(
  { clock, signal }: Pick<ControllerContext, 'clock' | 'signal'>,
  intervalMs: number,
  work: () => void,
): void {
  let cancel = () => {}
  const next = () => {
    cancel = clock.setTimeout(() => {
      work()
      next()
    }, intervalMs)
  }
  next()
  signal.addEventListener('abort', () => cancel(), { once: true })
}
