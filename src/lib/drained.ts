/** Writing no faster than the other side reads. */
import type { Writable } from 'node:stream'

/** Resolves when a stream that has had enough takes more, or will take nothing any more. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}
