/** Writing no faster than the other side reads. */
import type { Writable } from 'node:stream'

/**
 * How long an ended connection is kept for what is still on its way. Buffers between a program and its user hold some
 * tens of megabytes, and closing a socket that the user still writes to (pings) loses those of the kernel. Who reads
 * 100 KB/s needs minutes for them; who reads nothing and does not close either is cut off.
 */
export const lingerMs = 15 * 60_000

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
